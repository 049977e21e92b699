import { useEffect, useState } from "preact/hooks";
import type { AlarmView, NotificationView } from "../../contract/api.ts";
import { isPresent, isUnacknowledged, listedAlarms } from "../alarm-order.ts";
import { acknowledge, errorText, getNotifications, type Identity, unshelve } from "../api.ts";
import { Badge } from "../badge.tsx";
import { changeWord, channelWord, deliveryWords } from "../channel-words.ts";
import { alarmAge, clockTime, fullTime, hourMinute } from "../time.ts";
import { useView } from "../view.ts";
import { ShelveForm } from "./shelve-form.tsx";

const REFRESH_MS = 10_000;

export function mayOperate(role: Identity["role"]): boolean {
  return role === "operator" || role === "engineer" || role === "admin";
}

/** What is wrong, who knows, and what to do: first on a phone, with one thumb. */
export function AlarmsPage({ role }: { role: Identity["role"] }) {
  const { store } = useView();
  const listed = listedAlarms(store.alarms.value);
  const aside = store.alarms.value.filter(
    (alarm) => alarm.shelved || alarm.suppressed || alarm.outOfService,
  );
  const deliveries = useDeliveries(role, listed.length);
  const waiting = listed.filter(isUnacknowledged).length;
  return (
    <>
      <h1>Alarms</h1>
      <p class="summary" aria-live="polite">
        {listed.length === 0
          ? "No active alarms."
          : `${listed.length} active, ${waiting} not acknowledged.`}
        {aside.length > 0 && ` ${aside.length} set aside.`}
      </p>
      <ul class="alarm-cards">
        {listed.map((alarm) => (
          <AlarmCard
            key={alarm.id}
            alarm={alarm}
            canOperate={mayOperate(role)}
            deliveries={deliveries.filter(
              (each) => each.alarm === alarm.id && each.occurrence === alarm.occurrence,
            )}
          />
        ))}
      </ul>
      {aside.length > 0 && (
        <>
          <h2>Set aside</h2>
          <ul class="alarm-cards">
            {aside.map((alarm) => (
              <AsideCard key={alarm.id} alarm={alarm} canOperate={mayOperate(role)} />
            ))}
          </ul>
        </>
      )}
    </>
  );
}

/** The outbox, asked for again every ten seconds and when the number of alarms changes. */
function useDeliveries(role: Identity["role"], alarmCount: number): NotificationView[] {
  const [items, setItems] = useState<NotificationView[]>([]);
  useEffect(() => {
    if (role === "wall" || alarmCount === 0) return;
    let isStopped = false;
    const load = async () => {
      const found = await getNotifications().catch(() => null);
      if (found && !isStopped) setItems(found);
    };
    void load();
    const timer = setInterval(() => void load(), REFRESH_MS);
    return () => {
      isStopped = true;
      clearInterval(timer);
    };
  }, [role, alarmCount]);
  return items;
}

/** One order at a time; the card changes only when the hub's own list does. */
export function useOrder() {
  const [state, setState] = useState<{ isSending: boolean; problem: string | null }>({
    isSending: false,
    problem: null,
  });
  const { store } = useView();
  const give = async (order: () => Promise<AlarmView>): Promise<boolean> => {
    setState({ isSending: true, problem: null });
    try {
      const answer = await order();
      const rest = store.alarms.peek();
      // The answer is the hub's confirmation; the stream brings the same in a moment.
      store.setAlarms(rest.map((alarm) => (alarm.id === answer.id ? answer : alarm)));
      setState({ isSending: false, problem: null });
      return true;
    } catch (error) {
      setState({ isSending: false, problem: errorText(error) });
      return false;
    }
  };
  return { ...state, give };
}

function stateWords(alarm: AlarmView, timeZone: string): string {
  const since = alarm.raisedAt === null ? "" : `since ${clockTime(alarm.raisedAt, timeZone)}`;
  const cleared =
    isPresent(alarm) || alarm.clearedAt === null
      ? ""
      : `cleared ${clockTime(alarm.clearedAt, timeZone)}`;
  const ack = alarm.ack
    ? `acknowledged by ${alarm.ack.by} at ${hourMinute(alarm.ack.at, timeZone)}`
    : "not acknowledged";
  return [since, cleared, ack].filter((part) => part !== "").join(" · ");
}

function AlarmCard(props: {
  alarm: AlarmView;
  canOperate: boolean;
  deliveries: NotificationView[];
}) {
  const { alarm, canOperate, deliveries } = props;
  const { store, timeZone } = useView();
  const { isSending, problem, give } = useOrder();
  const [isShelving, setShelving] = useState(false);
  const age = alarm.raisedAt === null ? "" : alarmAge(store.now.value - alarm.raisedAt);
  return (
    <li class={`card p${alarm.priority}`} data-alarm={alarm.id}>
      <div class="card-head">
        <Badge priority={alarm.priority} rem={2} />
        <h2>{alarm.title}</h2>
        <span class="age">{age}</span>
      </div>
      <p class="detail">{alarm.detail}</p>
      <IncidentLink alarm={alarm} />
      <KnownNote alarm={alarm} />
      <p class="state">{stateWords(alarm, timeZone.value)}</p>
      {canOperate && (
        <div class="orders">
          {isUnacknowledged(alarm) && (
            <button
              type="button"
              class="main-button"
              disabled={isSending}
              onClick={() => void give(() => acknowledge(alarm.id))}
            >
              {isSending ? "Sending …" : "Acknowledge"}
            </button>
          )}
          {!isShelving && (
            <button type="button" disabled={isSending} onClick={() => setShelving(true)}>
              Shelve …
            </button>
          )}
        </div>
      )}
      {isShelving && (
        <ShelveForm
          alarm={alarm}
          isSending={isSending}
          give={give}
          onClose={() => setShelving(false)}
        />
      )}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {alarm.runbook && (
        <details open={alarm.priority <= 2 && isUnacknowledged(alarm)}>
          <summary>What to do</summary>
          <p>{alarm.runbook}</p>
        </details>
      )}
      <Deliveries items={deliveries} />
    </li>
  );
}

/** What people found out the last times. */
function KnownNote({ alarm: { note } }: { alarm: AlarmView }) {
  const { timeZone } = useView();
  if (!note) return null;
  return (
    <p class="known-note">
      Known: {note.text}
      {note.link && (
        <>
          {" "}
          <a href={note.link} rel="noreferrer noopener" target="_blank">
            More
          </a>
        </>
      )}
      <small>
        {note.by}, {fullTime(note.at, timeZone.value)}
      </small>
    </p>
  );
}

/** What it follows from, or what follows from it; nothing where the hub folds nothing. */
function IncidentLink({ alarm }: { alarm: AlarmView }) {
  const { store } = useView();
  const incident = store.incidents.value?.find(({ id }) => id === alarm.incident);
  if (!incident) return null;
  const href = `/incidents/${incident.id}`;
  if (alarm.part === "symptom")
    return (
      <p class="state">
        Follows from: <a href={href}>{incident.title}</a>
      </p>
    );
  const words = incident.symptoms === 1 ? "1 other alarm" : `${incident.symptoms} other alarms`;
  return (
    <p class="state">
      <a href={href}>{incident.symptoms > 0 ? `Incident with ${words}` : "Incident"}</a>
    </p>
  );
}

function Deliveries({ items }: { items: NotificationView[] }) {
  const { timeZone } = useView();
  if (items.length === 0) return null;
  return (
    <ul class="deliveries" aria-label="Messages sent">
      {items.map((item) => (
        <li key={item.id}>
          {channelWord(item.channel)} to {item.receiver} ({changeWord(item.change)}):{" "}
          {deliveryWords(item)} {clockTime(item.doneAt ?? item.createdAt, timeZone.value)}
          {item.error && ` (${item.error})`}
        </li>
      ))}
    </ul>
  );
}

function AsideCard({ alarm, canOperate }: { alarm: AlarmView; canOperate: boolean }) {
  const { timeZone } = useView();
  const { isSending, problem, give } = useOrder();
  const { shelved, outOfService } = alarm;
  return (
    <li class={`card aside p${alarm.priority}`} data-alarm={alarm.id}>
      <div class="card-head">
        <Badge priority={alarm.priority} rem={2} />
        <h2>{alarm.title}</h2>
      </div>
      {shelved && (
        <p class="state">
          Shelved until {hourMinute(shelved.until, timeZone.value)} by {shelved.by}:{" "}
          {shelved.reason}
        </p>
      )}
      {alarm.suppressed && <p class="state">Suppressed by design.</p>}
      {outOfService && (
        <p class="state">
          Out of service by {outOfService.by}: {outOfService.reason}
        </p>
      )}
      {shelved && canOperate && (
        <div class="orders">
          <button
            type="button"
            disabled={isSending}
            onClick={() => void give(() => unshelve(alarm.id))}
          >
            {isSending ? "Sending …" : "Put back"}
          </button>
        </div>
      )}
      {problem && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
    </li>
  );
}
