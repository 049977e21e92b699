import { useState } from "preact/hooks";
import type { NotificationView } from "../../contract/api.ts";
import type { Duty } from "../../contract/duty.ts";
import { getNotifications } from "../api.ts";
import { getDuty } from "../care-api.ts";
import { changeWord, channelWord, deliveryWords } from "../channel-words.ts";
import { clockTime, fullTime, hourMinute, shortDate, utcOffset } from "../time.ts";
import { useView } from "../view.ts";
import { Trouble, useAsked, Waiting } from "./asked.tsx";
import "./care.css";

const REFRESH_MS = 10_000;
const CHOICES = [
  ["all", "All"],
  ["waiting", "Waiting"],
  ["failed", "Failed"],
] as const;
type Choice = (typeof CHOICES)[number][0];

/** What was sent to whom and how far it has come, the newest first; and whose turn it is. */
export function NotificationsPage() {
  const { store, timeZone } = useView();
  const [choice, setChoice] = useState<Choice>("all");
  const duty = useAsked(getDuty, "", 60_000);
  const { value, problem } = useAsked(getNotifications, "", REFRESH_MS);
  const items = (value ?? []).filter((item) => fits(item, choice));
  const count = (of: Choice) => (value ?? []).filter((item) => fits(item, of)).length;
  return (
    <>
      <h1>Messages</h1>
      {duty.value && duty.value.length > 0 && <OnDuty duty={duty.value} />}
      <fieldset class="ranges" aria-label="Which">
        {CHOICES.map(([each, words]) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === choice}
            onClick={() => setChoice(each)}
          >
            {words}
            {each !== "all" && value && ` ${count(each)}`}
          </button>
        ))}
      </fieldset>
      {value === null ? <Waiting problem={problem} /> : <Trouble problem={problem} />}
      {value !== null && items.length === 0 && (
        <p class="quiet">
          {choice === "all" ? "No message has been sent yet." : `None is ${choice}.`}
        </p>
      )}
      <ul class="messages">
        {items.map((item) => (
          <Message key={item.id} item={item} />
        ))}
      </ul>
      {value !== null && (
        <p class="quiet">The newest 200. Times in {utcOffset(store.now.value, timeZone.value)}.</p>
      )}
    </>
  );
}

function fits({ state }: NotificationView, choice: Choice): boolean {
  if (choice === "waiting") return state === "queued";
  return choice === "all" || state === "failed";
}

function OnDuty({ duty }: { duty: Duty[] }) {
  const { timeZone } = useView();
  return (
    <section class="panel duty">
      <h2>On duty now</h2>
      <ul class="lines">
        {duty.map(({ rota, who, until, next }) => (
          <li key={rota} data-rota={rota}>
            <span>
              <b>{who}</b>
              <small>{rota}</small>
            </span>
            <span class="number">
              {until === null
                ? "no change within five weeks"
                : `until ${shortDate(until, timeZone.value)} ${hourMinute(until, timeZone.value)}, then ${next}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Message({ item }: { item: NotificationView }) {
  const { store, timeZone } = useView();
  const { alarm, receiver, channel, change, state, createdAt, doneAt, error, step } = item;
  const title = store.alarms.value.find(({ id }) => id === alarm)?.title ?? alarm;
  const { acknowledged } = item;
  return (
    <li class={state === "failed" ? "failed" : ""} data-state={state}>
      <time>{fullTime(createdAt, timeZone.value)}</time>
      <span>
        <b>{title}</b>
        <small>
          {channelWord(channel)} to {receiver} · {changeWord(change)}
          {step !== undefined && step > 0 && ` · page ${step + 1}`}
        </small>
      </span>
      <span class="how">
        {state === "failed" && <b aria-hidden="true">▲ </b>}
        {deliveryWords(item)}
        {doneAt !== null && ` ${clockTime(doneAt, timeZone.value)}`}
        {error && <small>{error}</small>}
        {acknowledged && (
          <small>
            {acknowledged.by} acknowledged {clockTime(acknowledged.at, timeZone.value)}
          </small>
        )}
      </span>
    </li>
  );
}
