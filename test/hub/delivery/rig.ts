import { setMaxListeners } from "node:events";
import { pino } from "pino";
import {
  type AlarmState,
  type Command,
  command,
  INITIAL_STATE,
  type Step,
  step,
} from "../../../contract/alarm/engine.ts";
import type { Priority } from "../../../contract/alarm/rule.ts";
import type { AlarmView } from "../../../contract/api.ts";
import type { Alarm } from "../../../hub/alarms/alarm-book.ts";
import type { Face } from "../../../hub/alarms/alarm-face.ts";
import {
  BY_HUB,
  type Cause,
  tellingsOf,
  transitionOf,
  viewOf,
} from "../../../hub/alarms/transition.ts";
import { type DeliveryConfig, plainDelivery } from "../../../hub/config/delivery-config.ts";
import type { Receiver, SiteRule } from "../../../hub/config/hub-config.ts";
import { Answers } from "../../../hub/delivery/answers.ts";
import type { Call } from "../../../hub/delivery/call-table.ts";
import { createDelivery, type Delivery } from "../../../hub/delivery/delivery.ts";
import type { IncidentPart } from "../../../hub/delivery/incident-part.ts";
import type { DeliveryEvent } from "../../../hub/delivery/pager.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import type { Channel, Outcome, OutgoingMessage } from "../../../hub/notify/channel.ts";
import { createOutbox, type Outbox } from "../../../hub/notify/outbox.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { FakeClock } from "../../fake-clock.ts";

/** Monday, 12:00 in Helsinki. */
export const NOON = Date.UTC(2026, 10, 23, 10);
export const MINUTE = 60_000;

/** Anna and Bo by SMS and mail, Chi by mail; a ladder of the three; the ready-made times. */
export const PEOPLE: DeliveryConfig = {
  ...plainDelivery("Europe/Helsinki"),
  people: [
    { id: "anna", name: "Anna", reach: ["anna-sms", "anna-mail"], phones: ["+358401111111"] },
    { id: "bo", name: "Bo", reach: ["bo-sms", "bo-mail"], phones: ["+358402222222"] },
    { id: "chi", name: "Chi", reach: ["chi-mail"], phones: [] },
  ],
  escalations: [
    {
      id: "night",
      steps: [
        { afterMs: 0, to: ["anna"] },
        { afterMs: 10 * MINUTE, to: ["bo"] },
        { afterMs: 30 * MINUTE, to: ["chi"] },
      ],
    },
  ],
};
const RECEIVERS = ["anna-sms", "anna-mail", "bo-sms", "bo-mail", "chi-mail", "desk"];

export interface Raise {
  priority?: Priority;
  to?: string[];
  part?: IncidentPart;
  latch?: boolean;
  subject?: string;
}

/** Delivery and outbox on one database, with alarms a test moves by hand and a clock it moves. */
export class DeliveryRig {
  readonly clock: FakeClock;
  readonly db: HubDb;
  /** `minute receiver subject` of every message that arrived, minutes counted from the start. */
  readonly sent: string[] = [];
  readonly messages: { receiver: string; message: OutgoingMessage }[] = [];
  readonly events: DeliveryEvent[] = [];
  /** How each receiver's channel answers; delivered when not named. */
  readonly answers = new Map<string, Outcome>();
  readonly config: DeliveryConfig;
  ledger!: Ledger;
  outbox!: Outbox;
  delivery!: Delivery;
  replies!: Answers;
  readonly #alarms = new Map<string, Alarm>();
  readonly #startMs: number;
  #stop = new AbortController();
  #running: Promise<void>[] = [];

  constructor(config: DeliveryConfig = PEOPLE, startMs = NOON) {
    this.config = config;
    this.clock = new FakeClock(startMs);
    this.db = openHubDb(":memory:");
    this.#startMs = startMs;
    this.start();
  }

  start(): void {
    const { db, clock, config } = this;
    const log = pino({ level: "silent" });
    this.ledger = createLedger({ db, clock });
    const receivers = RECEIVERS.map(
      (id): Receiver => ({ ...{ kind: "webhook", id, url: "https://example.net" }, ...PLAIN }),
    );
    this.outbox = createOutbox({
      db,
      receivers,
      clock,
      log,
      channelFor: (to) => this.#channel(to.id),
    });
    const { outbox, ledger } = this;
    const words = {
      siteLabel: "Demo",
      linkBase: "https://p.example",
      ackBase: "https://p.example",
    };
    this.delivery = createDelivery({ config, db, outbox, ledger, clock, log, ...words });
    this.delivery.onEvent((event) => this.events.push(event));
    this.replies = new Answers({
      ...{ delivery: this.delivery, clock },
      alarms: { view: (id) => this.view(id), command: (id, order) => this.order(id, order) },
    });
    this.#stop = new AbortController();
    setMaxListeners(0, this.#stop.signal);
    this.#running = [outbox.run(this.#stop.signal), this.delivery.run(this.#stop.signal)];
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#running);
  }

  async restart(): Promise<void> {
    await this.stop();
    this.start();
  }

  raise(id: string, { part, ...extra }: Raise = {}): void {
    const alarm = this.#alarm(id, extra);
    this.#apply(alarm, step(alarm.state, "breach", this.clock.nowMs(), alarm.rule), BY_HUB, part);
  }

  clear(id: string): void {
    const alarm = this.#alarm(id, {});
    this.#apply(alarm, step(alarm.state, "clear", this.clock.nowMs(), alarm.rule), BY_HUB);
  }

  ack = (id: string, by = "kn"): void => void this.order(`high.${id}`, { do: "acknowledge", by });

  order(id: string, order: Command): AlarmView | undefined {
    const alarm = this.#alarms.get(id.replace(/^high\./, ""));
    if (!alarm) return undefined;
    const { do: _, ...cause } = order;
    this.#apply(alarm, command(alarm.state, order, this.clock.nowMs()), cause);
    return this.view(id);
  }

  view(id: string): AlarmView | undefined {
    const alarm = this.#alarms.get(id.replace(/^high\./, ""));
    return alarm && viewOf(alarm, faceOf(alarm.subject));
  }

  call = (id: string): Call | undefined =>
    this.delivery.calls().find(({ alarm }) => alarm === `high.${id}`);

  rows = (): string[] =>
    this.outbox
      .list({ limit: 1_000 })
      .map(({ change, receiver, state }) => `${change} ${receiver} ${state}`)
      .reverse();

  state = (id: string): AlarmState => this.#alarm(id, {}).state;

  #alarm(id: string, { priority = 1, to = ["night"], latch = false }: Raise): Alarm {
    const known = this.#alarms.get(id);
    if (known) return known;
    const rule: SiteRule = {
      ...{ id: "high", priority, latch, condition: { kind: "digital", equals: 1 } },
      ...{ onDelayMs: 0, offDelayMs: 0, points: ["*"], nodes: [], title: id, runbook: null },
      receivers: to,
    };
    const fresh = { state: INITIAL_STATE, face: null, told: [], judgedBy: null };
    const alarm: Alarm = { id: `high.${id}`, rule, subject: id, ...fresh };
    this.#alarms.set(id, alarm);
    return alarm;
  }

  #apply(alarm: Alarm, { state, changes }: Step, cause: Cause, part?: IncidentPart): void {
    alarm.state = state;
    if (changes.length === 0) return;
    const { tell, told } = tellingsOf(state, changes, alarm.rule.receivers, alarm.told);
    alarm.told = told;
    const at = this.clock.nowMs();
    const happening = { at, face: faceOf(alarm.subject), changes, cause, tell };
    transact(this.db, () => this.delivery.take(transitionOf(alarm, happening), part));
  }

  #channel(receiver: string): Channel {
    return {
      kind: "webhook",
      send: async (message) => {
        const outcome = this.answers.get(receiver) ?? { kind: "delivered" };
        if (outcome.kind !== "delivered") return outcome;
        const minute = Math.round((this.clock.nowMs() - this.#startMs) / MINUTE);
        this.sent.push(`${minute} ${receiver} ${message.subject.replace(/ — .*/, "")}`);
        this.messages.push({ receiver, message });
        return outcome;
      },
    };
  }
}

const PLAIN = { secret: null, allowPrivate: false } as const;

function faceOf(title: string): Face {
  return { title, detail: "", place: null, room: null, value: null, limit: null, unit: "" };
}
