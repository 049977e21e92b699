import { pino } from "pino";
import type { AlarmView } from "../../../contract/api.ts";
import type { QuantityId } from "../../../contract/quantity.ts";
import { type SiteModel, siteModelSchema } from "../../../contract/site.ts";
import type { Transition } from "../../../hub/alarms/transition.ts";
import type { SiteRule } from "../../../hub/config/hub-config.ts";
import type { IncidentPart } from "../../../hub/delivery/incident-part.ts";
import { Incidents } from "../../../hub/incidents/incidents.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import type { LivePoint } from "../../../hub/live/live-state.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { FakeClock } from "../../fake-clock.ts";

const racks = (row: string, y: number, feeds: string[]) =>
  [1, 2, 3, 4, 5, 6].map((i) => ({
    ...{ id: `${row}0${i}`, label: `${row.toUpperCase()}0${i}`, feeds },
    at: { x: 2 + 0.8 * i, y },
  }));

/** Two rows, three cooling units (the third serves row b only), two feeds and a generator. */
export const HALL: SiteModel = siteModelSchema.parse({
  id: "demo",
  label: "Demo site",
  timezone: "Europe/Helsinki",
  rooms: [
    {
      ...{ id: "hall-a", label: "Hall A", widthM: 12, depthM: 8 },
      points: ["leak.rope", "hall-a.temperature"],
      rows: [
        { id: "a", label: "A", racks: racks("a", 1.3, ["pdu-a", "pdu-b"]) },
        { id: "b", label: "B", racks: racks("b", 4.7, ["pdu-a", "pdu-b"]) },
      ],
      cooling: [
        { id: "crah-1", label: "CRAH 1", at: { x: 0.3, y: 1 }, fedBy: ["utility-a", "gen-1"] },
        { id: "crah-2", label: "CRAH 2", at: { x: 11, y: 1 }, fedBy: ["utility-b", "gen-1"] },
        {
          ...{ id: "crah-3", label: "CRAH 3", at: { x: 11, y: 5 } },
          ...{ fedBy: ["utility-b", "gen-1"], serves: ["b"] },
        },
      ],
      doors: [{ id: "door-1", label: "Door 1", at: { x: 2.8, y: 7.5 } }],
    },
    {
      ...{ id: "hall-b", label: "Hall B", widthM: 5, depthM: 5 },
      rows: [{ id: "c", label: "C", racks: racks("c", 1.3, ["pdu-b"]) }],
    },
  ],
  power: [
    { id: "utility-a", label: "Utility A", kind: "utility", feed: "A" },
    { id: "utility-b", label: "Utility B", kind: "utility", feed: "B" },
    { id: "gen-1", label: "Generator", kind: "generator" },
    { id: "ups-a", label: "UPS A", kind: "ups", feed: "A", fedBy: ["utility-a", "gen-1"] },
    { id: "ups-b", label: "UPS B", kind: "ups", feed: "B", fedBy: ["utility-b", "gen-1"] },
    { id: "pdu-a", label: "PDU A", kind: "pdu", feed: "A", fedBy: ["ups-a"] },
    { id: "pdu-b", label: "PDU B", kind: "pdu", feed: "B", fedBy: ["ups-b"] },
  ],
});

function rule(words: Pick<SiteRule, "id" | "condition"> & Partial<SiteRule>): SiteRule {
  const isNode = words.condition.kind === "silent";
  return {
    ...{ priority: 2, onDelayMs: 0, offDelayMs: 0, latch: false, title: "{label}" },
    ...{ runbook: null, receivers: [], points: isNode ? [] : ["*"], nodes: isNode ? ["*"] : [] },
    ...words,
  };
}

const RULES: SiteRule[] = [
  rule({ id: "hot", condition: { kind: "limit", above: 27, below: 15, deadband: 0.5 } }),
  rule({ id: "critical", condition: { kind: "limit", above: 32, deadband: 0.5 }, priority: 1 }),
  rule({ id: "is", condition: { kind: "digital", equals: 1 }, priority: 1 }),
  rule({ id: "stopped", condition: { kind: "digital", equals: 0 } }),
  rule({ id: "lost", condition: { kind: "limit", below: 180, deadband: 10 } }),
  rule({ id: "no-reading", condition: { kind: "stale" }, priority: 3 }),
  rule({ id: "silent", condition: { kind: "silent" } }),
];
const QUANTITIES: [RegExp, QuantityId][] = [
  [/inlet|temperature/, "temperature"],
  [/humidity/, "humidity"],
  [/voltage/, "voltage"],
  [/errors/, "ratio"],
];

export const T0 = Date.UTC(2026, 0, 1);

/** Incidents over hub.db in memory, told of alarms by name: `hot.a03.inlet-top`. */
export class Desk {
  readonly incidents: Incidents;
  readonly ledger: Ledger;
  /** What delivery was told about alarms that changed their place. */
  readonly regrouped: string[] = [];
  readonly #views: Map<string, AlarmView>;

  constructor(
    readonly clock = new FakeClock(T0),
    readonly db: HubDb = openHubDb(":memory:"),
    views = new Map<string, AlarmView>(),
  ) {
    this.#views = views;
    this.ledger = createLedger({ db, clock });
    this.incidents = new Incidents({
      ...{ db, site: HALL, rules: RULES, ledger: this.ledger, clock },
      log: pino({ level: "silent" }),
      live: { point: pointOf },
      regroup: (alarm, { part, lead }) => this.regrouped.push(`${alarm} ${part} of ${lead}`),
    });
  }

  /** The same hub.db in a new program, as after a crash. */
  again = (): Desk => new Desk(this.clock, this.db, this.#views);

  raise(alarm: string, words: Partial<AlarmView> = {}): IncidentPart {
    const now = this.clock.nowMs();
    const occurrence = (this.#views.get(alarm)?.occurrence ?? 0) + 1;
    return this.change(alarm, "raised", {
      ...{ state: "active", occurrence, raisedAt: now, clearedAt: null, ack: null, ...words },
    });
  }

  clear(alarm: string): IncidentPart {
    const isAcked = this.#views.get(alarm)?.ack !== null;
    const state = isAcked ? "normal" : "returned";
    return this.change(alarm, "cleared", { state, clearedAt: this.clock.nowMs() });
  }

  ack(alarm: string, by = "kim"): IncidentPart {
    const isOver = this.#views.get(alarm)?.state === "returned";
    const ack = { at: this.clock.nowMs(), by };
    const state = isOver ? "normal" : "acknowledged";
    return this.change(alarm, "acknowledged", { state, ack: isOver ? null : ack }, by);
  }

  change(
    alarm: string,
    change: Transition["changes"][number],
    words: Partial<AlarmView>,
    by = "hub",
  ): IncidentPart {
    const view = { ...(this.#views.get(alarm) ?? viewOf(alarm)), ...words };
    this.#views.set(alarm, view);
    return transact(this.db, () => this.incidents.take(this.transition(view, change, by)));
  }

  transition(
    view: AlarmView,
    change: Transition["changes"][number],
    by = "hub",
  ): Pick<Transition, "view" | "at" | "changes" | "cause"> {
    return { view, at: this.clock.nowMs(), changes: [change], cause: { by } };
  }

  view = (alarm: string): AlarmView => this.#views.get(alarm) ?? viewOf(alarm);

  /** Each open incident as `lead: symptom symptom`, in the order they were opened. */
  groups = (): string[] =>
    this.incidents.open().map(({ lead, members }) => {
      const symptoms = [...members.keys()].filter((alarm) => alarm !== lead).sort();
      return symptoms.length === 0 ? lead : `${lead}: ${symptoms.join(" ")}`;
    });

  story = (id: string): string[] =>
    this.incidents.store.timeline(id).map(({ kind, text }) => `${kind}: ${text}`);
}

function viewOf(alarm: string): AlarmView {
  const [ruleId = "", ...rest] = alarm.split(".");
  const subject = rest.join(".");
  const found = RULES.find(({ id }) => id === ruleId);
  const { condition } = found ?? {};
  return {
    ...{ id: alarm, rule: ruleId, subject, place: null, priority: found?.priority ?? 2 },
    ...{ title: alarm, detail: "", runbook: null, state: "normal", occurrence: 0 },
    ...{ raisedAt: null, clearedAt: null, ack: null, shelved: null, suppressed: false },
    ...{ outOfService: null, value: null, unit: "" },
    limit: condition?.kind === "limit" ? (condition.above ?? condition.below ?? null) : null,
  };
}

function pointOf(id: string): LivePoint | undefined {
  if (!id.includes(".")) return undefined;
  const quantity = QUANTITIES.find(([pattern]) => pattern.test(id))?.[1] ?? "flag";
  const bus = /^a0[12]\./.test(id) ? { bus: "i2c-11" } : {};
  const info = { id, quantity, label: id, periodMs: 2_000, ...bus };
  const node =
    /^(ups|pdu|utility|gen|crah)/.test(id) || id.startsWith("edge-plant")
      ? "edge-plant"
      : "edge-hall";
  return { info, node, reading: null, receivedAt: null, ageOnArrivalMs: 0 };
}
