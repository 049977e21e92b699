import type { AlarmView } from "../../contract/api.ts";
import { hourMinute, shortAge } from "../time.ts";
import { hasPoint, useSettled, useView, type View } from "../view.ts";
import { doorState } from "./door-state.ts";
import { isLeak } from "./point-words.ts";

interface Fact {
  name: string;
  value: string;
  priority: AlarmView["priority"] | null;
}

const DRIFT_LIMIT_MS = 2_000;
const STORE_LAG_LIMIT_MS = 60_000;

export function Footer() {
  const view = useView();
  const facts = useSettled(() => [
    doors(view),
    lastDoor(view),
    leak(view),
    edges(view),
    clocks(view),
    unsent(view),
    ...hub(view),
    ...drift(view),
  ]);
  return (
    <section class="ft dim" aria-label="Condition of the system">
      {facts.map(({ name, value, priority }) => (
        <span key={name} class={priority ? `ab p${priority}` : ""} data-fact={name}>
          {name}
          <b>{value}</b>
        </span>
      ))}
    </section>
  );
}

function doors(view: View): Fact {
  const { store } = view;
  const states = store.doors.value.map((door) => {
    const contact = `${door.id}.open`;
    const shown = hasPoint(view, contact) ? store.show(contact) : null;
    return doorState(door, shown, store.now.value).kind;
  });
  const open = states.filter((kind) => kind === "open").length;
  const unknown = states.filter((kind) => kind === "unknown").length;
  const closed = `${states.length - open - unknown} of ${states.length} closed`;
  const parts = [
    ...(open > 0 ? [`${open} open`] : []),
    ...(unknown > 0 ? [`${unknown} no reading`] : []),
  ];
  const priorities = store.doors.value.flatMap((door) => view.worst.value.get(door.id) ?? []);
  return {
    name: "Doors",
    value:
      states.length === 0
        ? "–"
        : parts.length > 0
          ? `${parts.join(", ")} of ${states.length}`
          : closed,
    priority: priorities.length > 0 ? (Math.min(...priorities) as Fact["priority"]) : null,
  };
}

function lastDoor(view: View): Fact {
  const { store } = view;
  const moved = store.doors.value.filter((door) => door.since !== null);
  const last = moved.reduce<(typeof moved)[number] | undefined>(
    (newest, door) => (newest && (newest.since ?? 0) >= (door.since ?? 0) ? newest : door),
    undefined,
  );
  const label = last ? (view.labels.value.get(last.id) ?? last.label) : "";
  const text = last?.since ? `${hourMinute(last.since, view.timeZone.value)} ${label}` : "–";
  return { name: "Last door", value: text.slice(0, 24), priority: null };
}

function leak(view: View): Fact {
  const { store } = view;
  const points = store.pointIds.value
    .map((id) => ({ view: store.held(id)?.view, shown: store.show(id) }))
    .filter((point) => point.view && isLeak(point.view));
  const isWet = points.some(({ shown }) => shown.kind === "value" && shown.value !== 0);
  const isUnknown = points.some(({ shown }) => shown.kind !== "value");
  const priority = view.worst.value.get("leak") ?? null;
  return {
    name: "Leak",
    value: isWet ? "WET" : points.length === 0 ? "–" : isUnknown ? "no reading" : "dry",
    priority: isWet ? (priority ?? 1) : priority,
  };
}

function edges({ store, worst }: View): Fact {
  const all = store.nodes.value;
  const online = all.filter((node) => node.online).length;
  const priorities = all.flatMap((node) => worst.value.get(node.id) ?? []);
  const priority = priorities.length > 0 ? (Math.min(...priorities) as Fact["priority"]) : null;
  return {
    name: "Edges",
    value: `${online}/${all.length}`,
    priority: online < all.length ? (priority ?? 3) : priority,
  };
}

/** Readings stand at the right time only while the edge nodes' clocks do. */
function clocks({ store }: View): Fact {
  const all = store.nodes.value;
  const wrong = all.filter((node) => node.clock === "unsynced").length;
  const unknown = all.filter((node) => node.clock === "unknown").length;
  const value =
    all.length === 0
      ? "–"
      : wrong > 0
        ? `${wrong} not set`
        : unknown > 0
          ? `${unknown} unknown`
          : "in time";
  return { name: "Edge clocks", value, priority: wrong > 0 ? 3 : null };
}

/** Readings the edge nodes still hold because the hub has not stored them yet. */
function unsent({ store }: View): Fact {
  const rows = store.nodes.value.reduce((sum, node) => sum + node.backlog, 0);
  const value = rows < 10_000 ? String(rows) : `${Math.floor(rows / 1_000)} k`;
  return { name: "Unsent", value, priority: null };
}

function hub({ store }: View): Fact[] {
  const health = store.health.value;
  if (!health) return [{ name: "Hub", value: "–", priority: null }];
  const { store: history, uptimeMs, notifications } = health;
  const lag =
    history.lagMs < 60_000 ? `${(history.lagMs / 1_000).toFixed(1)} s` : shortAge(history.lagMs);
  return [
    { name: "Hub", value: shortAge(uptimeMs), priority: null },
    {
      name: "Store lag",
      value: history.ok ? lag : `not storing ${lag}`,
      priority: history.ok && history.lagMs < STORE_LAG_LIMIT_MS ? null : 3,
    },
    ...(notifications.failed > 0
      ? [{ name: "Messages", value: `${notifications.failed} failed`, priority: 3 as const }]
      : []),
  ];
}

/** Said only when the screen's own clock is wrong: the time on the wall is the hub's. */
function drift({ store }: View): Fact[] {
  const ms = store.driftMs.value;
  if (Math.abs(ms) < DRIFT_LIMIT_MS) return [];
  const direction = ms > 0 ? "slow" : "fast";
  return [
    { name: "Screen clock", value: `${shortAge(Math.abs(ms))} ${direction}`, priority: null },
  ];
}
