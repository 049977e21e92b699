import type { AlarmView } from "../../contract/api.ts";
import { chooseVisible, hiddenText, isPresent, listedAlarms } from "../alarm-order.ts";
import { Badge } from "../badge.tsx";
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
        <span>{listed.length > 0 ? `${listed.length} · unacknowledged first` : shelvedText(view)}</span>
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
              {first && <BigCard alarm={first} />}
              {others.map((alarm) => (
                <Row key={alarm.id} alarm={alarm} />
              ))}
            </>
          ) : (
            visible.map((alarm) => <ShortRow key={alarm.id} alarm={alarm} plan={plan} />)
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
  return (second ? `${[...first][0]}${[...second][0]}` : [...first].slice(0, 2).join("")).toUpperCase();
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

function BigCard({ alarm }: { alarm: AlarmView }) {
  const facts = useFacts(alarm);
  return (
    <div class={`big p${alarm.priority}`} data-alarm={alarm.id}>
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={alarm.priority} rem={4.1} />
      </div>
      <h2>{alarm.title}</h2>
      <p class="d">{alarm.detail}</p>
      <p class="m">
        <span>{facts.age}</span>
        <span>
          <AckMark facts={facts} />
        </span>
      </p>
    </div>
  );
}

function Row({ alarm }: { alarm: AlarmView }) {
  const facts = useFacts(alarm);
  return (
    <div class={`row p${alarm.priority} ${facts.isOver ? "over" : ""}`} data-alarm={alarm.id}>
      <div class={`mark ${facts.isNew ? "new" : ""}`}>
        <Badge priority={alarm.priority} rem={2.7} />
      </div>
      <h4>{alarm.title}</h4>
      <div class="a">{facts.age}</div>
      <div class="d">{alarm.detail}</div>
      <div class="s">
        <AckMark facts={facts} />
      </div>
    </div>
  );
}

function ShortRow({ alarm, plan }: { alarm: AlarmView; plan: ListPlan }) {
  const facts = useFacts(alarm);
  return (
    <div
      class={`short p${alarm.priority} ${facts.isWaiting ? "waiting" : ""}`}
      data-alarm={alarm.id}
    >
      <span class={facts.isNew ? "new" : ""}>
        <Badge priority={alarm.priority} rem={1.7} />
      </span>
      <span class="h">{alarm.title}</span>
      {plan.kind === "short" && (
        <span class="s">
          <AckMark facts={facts} />
        </span>
      )}
      <span class="a">{facts.age}</span>
    </div>
  );
}
