import { setMaxListeners } from "node:events";
import { pino } from "pino";
import type { Command } from "../../../contract/alarm/engine.ts";
import type { AlarmView } from "../../../contract/api.ts";
import type { Birth, PointInfo } from "../../../contract/message.ts";
import { good, type Measurement } from "../../../contract/reading.ts";
import { type SiteModel, siteModelSchema } from "../../../contract/site.ts";
import { type Alarms, createAlarms } from "../../../hub/alarms/alarm-runtime.ts";
import type { Receiver, SiteRule } from "../../../hub/config/hub-config.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import type { Channel, OutgoingMessage } from "../../../hub/notify/channel.ts";
import { createOutbox, type Outbox } from "../../../hub/notify/outbox.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

export const SITE: SiteModel = siteModelSchema.parse({
  id: "demo",
  label: "Demo site",
  timezone: "Europe/Helsinki",
  rooms: [
    {
      id: "hall-a",
      label: "Hall A",
      widthM: 12,
      depthM: 7,
      points: ["leak.rope"],
      rows: [{ id: "a", label: "A", racks: [{ id: "a03", label: "A03", at: { x: 1, y: 1 } }] }],
      doors: [{ id: "door-a1", label: "A1 south", at: { x: 3, y: 7 } }],
    },
  ],
  power: [{ id: "ups-a", label: "UPS A", kind: "ups", feed: "A" }],
});

export function rule(extra: Partial<SiteRule> & Pick<SiteRule, "id" | "condition">): SiteRule {
  return {
    priority: 2,
    onDelayMs: 0,
    offDelayMs: 0,
    latch: false,
    points: extra.condition.kind === "silent" ? [] : ["*"],
    nodes: extra.condition.kind === "silent" ? ["*"] : [],
    title: "{label} {value}",
    runbook: null,
    receivers: ["duty"],
    ...extra,
  };
}

export const HIGH = rule({
  id: "inlet-high",
  condition: { kind: "limit", above: 27, deadband: 0.5 },
  onDelayMs: 60_000,
  offDelayMs: 60_000,
  points: ["*.inlet-*"],
  runbook: "Check the cooling unit of this aisle.",
});
export const NO_READING = rule({
  id: "no-reading",
  condition: { kind: "stale" },
  onDelayMs: 10_000,
  priority: 3,
  title: "{label}: no reading",
});
export const SILENT = rule({
  id: "node-silent",
  condition: { kind: "silent" },
  onDelayMs: 30_000,
  title: "{label} silent",
});

export const INLET: PointInfo = {
  id: "a03.inlet-top",
  quantity: "temperature",
  label: "A03 inlet top",
  periodMs: 2_000,
};

export function birth(points: PointInfo[] = [INLET], node = "edge-hall"): Birth {
  const names = { node, label: "Hall A sensors", software: "plenum-edge 0.1.0" };
  return { v: 1, ...names, bootId: "b1", epoch: "e1", at: 0, points, doors: [] };
}

export const T0 = Date.UTC(2026, 0, 1);

/** The part of a hub that judges and tells, on one database, with a clock that the test moves. */
export class SmallHub {
  readonly live: LiveState;
  readonly ledger: Ledger;
  readonly outbox: Outbox;
  readonly alarms: Alarms;
  readonly sent: OutgoingMessage[] = [];
  /** Alarm and state of every change heard. */
  readonly heard: string[] = [];
  readonly views: AlarmView[] = [];
  /** What was sent on to nodes. */
  readonly orders: { node: string; rule: string; subject: string; order: Command }[] = [];
  readonly #stop = new AbortController();
  readonly #running: Promise<void>[];

  constructor(
    readonly rules: SiteRule[],
    readonly clock = new FakeClock(T0),
    readonly db: HubDb = openHubDb(":memory:"),
  ) {
    const log = pino({ level: "silent" });
    this.live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
    this.ledger = createLedger({ db, clock });
    const send: Channel["send"] = async (message) => {
      this.sent.push(message);
      return { kind: "delivered" };
    };
    const channelFor = (): Channel => ({ kind: "webhook", send });
    const receivers = ["duty", "desk"].map(
      (id): Receiver => ({
        kind: "webhook",
        id,
        url: "https://example.net",
        secret: null,
        allowPrivate: false,
      }),
    );
    this.outbox = createOutbox({ db, receivers, clock, log, channelFor });
    const { live, ledger, outbox } = this;
    const linkBase = "http://127.0.0.1:8080";
    const deps = { rules, live, db, ledger, outbox, clock, log, site: SITE, linkBase };
    this.alarms = createAlarms({
      ...deps,
      receivers: ["duty", "desk"],
      order: (node, rule, subject, order) => this.orders.push({ node, rule, subject, order }),
    });
    this.alarms.onChange((changed) => {
      this.heard.push(`${changed.id} ${changed.state}`);
      this.views.push(changed);
    });
    // The clock of tests does not take its listeners back.
    setMaxListeners(0, this.#stop.signal);
    this.#running = [this.outbox.run(this.#stop.signal), this.alarms.run(this.#stop.signal)];
  }

  /** A node that offers these points and is connected. */
  announce(points: PointInfo[] = [INLET], node = "edge-hall"): void {
    this.live.announce(birth(points, node));
    this.connect(true, node);
  }

  connect(online: boolean, node = "edge-hall"): void {
    const state = online ? "online" : "offline";
    this.live.status(node, { v: 1, state, session: 1, at: this.clock.nowMs() });
  }

  read(value: number | Measurement, point = INLET.id): void {
    const live = this.live.point(point);
    if (!live) throw new Error(`${point} was not announced`);
    const measurement = typeof value === "number" ? good(value) : value;
    this.live.reading(live, { point, at: this.clock.nowMs(), ...measurement }, 0);
  }

  /** Reads the same value every two seconds for this long. */
  async hold(value: number | Measurement, seconds: number, point = INLET.id): Promise<void> {
    for (let gone = 0; gone < seconds; gone += 2) {
      this.read(value, point);
      await this.clock.advance(2_000);
    }
  }

  view = (id = `${this.rules[0]?.id}.${INLET.id}`): AlarmView => {
    const view = this.alarms.view(id);
    if (!view) throw new Error(`no alarm ${id}`);
    return view;
  };

  /** Types of the ledger's alarm records, in order. */
  records = (): string[] =>
    this.ledger
      .read({ type: "alarm", limit: 1_000, order: "oldest" })
      .items.map(({ type, detail }) => `${type.slice("alarm.".length)} ${detail.alarm}`);

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }
}

/** Subjects of what was sent, in order. */
export const subjects = (hub: SmallHub): string[] => hub.sent.map((message) => message.subject);

/** The hubs of one test. */
export class SmallHubs {
  #open: SmallHub[] = [];

  open = (rules = [HIGH], ...rest: [clock?: FakeClock, db?: HubDb]): SmallHub => {
    const hub = new SmallHub(rules, ...rest);
    this.#open.push(hub);
    return hub;
  };

  /** The same database and clock in a new hub, as after a crash. */
  reopen = async (hub: SmallHub, rules = hub.rules): Promise<SmallHub> => {
    await hub.stop();
    return this.open(rules, hub.clock, hub.db);
  };

  stop = async (): Promise<void> => {
    for (const hub of this.#open.splice(0)) await hub.stop();
  };
}
