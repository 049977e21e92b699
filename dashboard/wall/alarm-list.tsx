import type { AlarmView } from "../../contract/api.ts";
import { chooseVisible, hiddenText, isPresent, listedAlarms } from "../alarm-order.ts";
import { Badge } from "../badge.tsx";
import { fitText, textEm } from "../text-fit.ts";
import { alarmAge, clockTime, hourMinute } from "../time.ts";
import { useView } from "../view.ts";
import { CalmPanel } from "./calm-panel.tsx";
import { type ListPlan, planList } from "./list-plan.ts";
import { useSize } from "./size.ts";

/** How long a new alarm's badge pulses. */
const NEW_MS = 5_000;

export function AlarmList() {
  const view = useView();
  const { store } = view;
  const listed = listedAlarms(store.alarms.value);
  const asOf = `Alarms as of ${clockTime(store.heardAt.value, view.timeZone.value)}`;
  return (
    <section class="al" aria-label="Alarms">
      <div class="cap">
        <span>{store.lost.value ? asOf : "Active alarms"}</span>
        <span>
          {listed.length > 0 ? `${listed.length} · unacknowledged first` : shelvedText(view)}
        </span>
      </div>
      {listed.length > 0 ? <Listed alarms={listed} /> : <CalmPanel />}
    </section>
  );
}

/** `shelved 1, until 16:00`, `suppressed 2`; empty when nothing is out of sight. */
export function shelvedText({ store, timeZone }: ReturnType<typeof useView>): string {
  const alarms = store.alarms.value;
  const shelved = alarms.filter((alarm) => alarm.shelved);
  const suppressed = alarms.filter((alarm) => alarm.suppressed).length;
  const outOfService = alarms.filter((alarm) => alarm.outOfService).length;
  const until = Math.min(...shelved.map((alarm) => alarm.shelved?.until ?? 0));
  return [
    ...(shelved.length > 0
      ? [`shelved ${shelved.length}, until ${hourMinute(until, timeZone.value)}`]
      : []),
    ...(suppressed > 0 ? [`suppressed ${suppressed}`] : []),
    ...(outOfService > 0 ? [`out of service ${outOfService}`] : []),
  ].join(" · ");
}

function Listed({ alarms }: { alarms: AlarmView[] }) {
  const view = useView();
  const { ref, size } = useSize<HTMLDivElement>();
  const plan = planList(
    alarms.filter((alarm) => alarm.priority === 1).length,
    alarms.length,
    (size?.h ?? 0) / 16,
  );
  const { visible, hidden } = chooseVisible(alarms, plan.capacity);
  const [first, ...others] = visible;
  return (
    <>
      <div ref={ref} class={`rows rows-${plan.kind}`}>
        {size &&
          (plan.kind === "card" ? (
            <>
              {first && <BigCard alarm={first} width={size.w} />}
              {others.map((alarm) => (
                <Row key={alarm.id} alarm={alarm} width={size.w} />
              ))}
            </>
          ) : (
            visible.map((alarm) => (
              <ShortRow key={alarm.id} alarm={alarm} plan={plan} width={size.w} />
            ))
          ))}
      </div>
      <div class="more">
        <span>{hiddenText(hidden)}</span>
        <span>{shelvedText(view)}</span>
      </div>
    </>
  );
}

interface Facts {
  age: string;
  /** `not ack`, `ack KN`; with `cleared` before it when the cause is gone. */
  ack: string;
  isWaiting: boolean;
  isNew: boolean;
  isOver: boolean;
}

function useFacts(alarm: AlarmView): Facts {
  const { store } = useView();
  const now = store.now.value;
  const ageMs = alarm.raisedAt === null ? 0 : now - alarm.raisedAt;
  const isOver = !isPresent(alarm);
  const ack = alarm.ack ? `ack ${initials(alarm.ack.by)}` : "not ack";
  return {
    age: alarmAge(ageMs),
    ack,
    isWaiting: alarm.ack === null,
    isNew: ageMs < NEW_MS,
    isOver,
  };
}

/** Two letters for a name: the wall shows no names. */
export function initials(name: string): string {
  const words = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== "");
  const [first, second] = words;
  if (!first) return "";
  return (
    second ? `${[...first][0]}${[...second][0]}` : [...first].slice(0, 2).join("")
  ).toUpperCase();
}

function AckMark({ facts }: { facts: Facts }) {
  const { ack, isWaiting, isOver } = facts;
  return (
    <>
      {isOver && "cleared · "}
      {isWaiting ? <b class="un">{ack}</b> : ack}
    </>
  );
}

/** Beside the badge and inside the card's padding, in drawing units. */
const CARD_EXTRAS = 4.25 * 16 + 16 + 2 * 16;
const CARD_TITLE = { max: 51, min: 31 };
const ROW_EXTRAS = 2.75 * 16 + 0.9 * 16 + 0.9 * 16;
const ROW_TITLE = { max: 31, min: 22 };

function BigCard({ alarm, width }: { alarm: AlarmView; width: number }) {
  const facts = useFacts(alarm);
  const fit = fitText(alarm.title, width - CARD_EXTRAS, CARD_TITLE);
  const isLong = fit.text !== alarm.title;
  const detail = fitText(alarm.detail, width - CARD_EXTRAS, { max: isLong ? 22 : 30, min: 20 });
  return (
    <div class={`big p${alarm.priority}`} data-alarm={alarm.id}>
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={alarm.priority} rem={4.1} />
      </div>
      <h2
        class={isLong ? "two-lines" : ""}
        style={{ fontSize: `${isLong ? 1.9 : fit.size / 16}rem` }}
      >
        {alarm.title}
      </h2>
      <p class="d" style={{ fontSize: `${detail.size / 16}rem` }}>
        {detail.text}
      </p>
      <p class="m">
        <span>{facts.age}</span>
        <span>
          <AckMark facts={facts} />
        </span>
      </p>
    </div>
  );
}

function Row({ alarm, width }: { alarm: AlarmView; width: number }) {
  const facts = useFacts(alarm);
  const room = width - ROW_EXTRAS - textEm(facts.age) * ROW_TITLE.max;
  const fit = fitText(alarm.title, room, ROW_TITLE);
  return (
    <div class={`row p${alarm.priority} ${facts.isOver ? "over" : ""}`} data-alarm={alarm.id}>
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={alarm.priority} rem={2.7} />
      </div>
      <div class="line">
        <h4 style={{ fontSize: `${fit.size / 16}rem` }}>{fit.text}</h4>
        <div class="a">{facts.age}</div>
      </div>
      <div class="line">
        <div class="d">{alarm.detail}</div>
        <div class="s">
          <AckMark facts={facts} />
        </div>
      </div>
    </div>
  );
}

const SHORT_TITLE = { max: 26, min: 18 };
const SHORT_GAP = 12;

function ShortRow(props: { alarm: AlarmView; plan: ListPlan; width: number }) {
  const { alarm, plan, width } = props;
  const facts = useFacts(alarm);
  const isWide = plan.kind === "short";
  const own = isWide ? width : (width - 16) / 2;
  const ack = isWide ? (textEm(facts.ack) + (facts.isOver ? 4.5 : 0)) * 22 + 15 + SHORT_GAP : 0;
  const room = own - 32 - 2 * SHORT_GAP - textEm(facts.age) * 22 - ack;
  const fit = fitText(alarm.title, room, SHORT_TITLE);
  return (
    <div
      class={`short p${alarm.priority} ${facts.isWaiting ? "unacked" : ""}`}
      data-alarm={alarm.id}
    >
      <span class={facts.isNew ? "new" : ""}>
        <Badge priority={alarm.priority} rem={1.7} />
      </span>
      <span class="h" style={{ fontSize: `${fit.size / 16}rem` }}>
        {fit.text}
      </span>
      {isWide && (
        <span class="s">
          <AckMark facts={facts} />
        </span>
      )}
      <span class="a">{facts.age}</span>
    </div>
  );
}
