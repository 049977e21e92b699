import type { Logger } from "pino";
import type { Drill } from "../../contract/alarm-health.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { DeliveryConfig } from "../config/delivery-config.ts";
import type { DrillTimes, Receiver } from "../config/hub-config.ts";
import type { AckLinks } from "../delivery/ack-link.ts";
import type { AddressBook } from "../delivery/address-book.ts";
import type { Call } from "../delivery/call-table.ts";
import { localTime } from "../delivery/local-time.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Outbox } from "../notify/outbox.ts";
import type { OwnGauge } from "../self-watch.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import { asksOf } from "./asks.ts";
import { type DrillRow, DrillTable } from "./drill-table.ts";
import { drillEnd, drillNotice } from "./drill-words.ts";

/** What has not gone out by then has failed. */
export const DRILL_TAKES_MS = 30 * 60_000;
/** After so long without a drill that every receiver passed, one is overdue. */
export const DRILL_OVERDUE_MS = 35 * 86_400_000;
const ACK_VALID_MS = 24 * 3_600_000;
const LOOK_EVERY_MS = 60_000;
const DAY_MS = 86_400_000;

export interface DrillDeps {
  db: HubDb;
  outbox: Pick<Outbox, "enqueue">;
  receivers: readonly Receiver[];
  delivery: { book: AddressBook; links: AckLinks };
  ladders: Pick<DeliveryConfig, "escalations">;
  ledger: Pick<Ledger, "appendOwn">;
  site: Pick<SiteModel, "label" | "timezone">;
  /** Address before `/ack/`, when there are links that acknowledge. */
  ackBase: string | null;
  /** When it happens by itself; never without it. */
  times?: DrillTimes | undefined;
  clock: Clock;
  log: Logger;
}

/** A drill cannot be started now; the message says why. */
export class DrillRefused extends Error {}

/** Tries every way a message can go, now and once a month, and keeps what became of it. */
export class Drills {
  readonly #deps: DrillDeps;
  readonly #table: DrillTable;
  readonly #since: EpochMs;

  constructor(deps: DrillDeps) {
    this.#deps = deps;
    this.#table = new DrillTable(deps.db);
    this.#since = this.#table.since(deps.clock.nowMs());
  }

  /** Sends the test to every receiver. Throws DrillRefused while one runs or when there is nobody. */
  start(by: string): Drill {
    const { db, receivers, clock, ledger } = this.#deps;
    if (receivers.length === 0) throw new DrillRefused("site.yaml names no receivers to try.");
    if (this.list(1).some(({ doneAt }) => doneAt === null))
      throw new DrillRefused("A drill is under way; wait for its end.");
    const startedAt = clock.nowMs();
    const drill: Drill = { id: idOf(startedAt), startedAt, doneAt: null, by, steps: [] };
    if (this.#table.get(drill.id)) throw new DrillRefused("A drill began this very second.");
    const asks = asksOf(this.#deps, startedAt);
    transact(db, () => {
      drill.steps = [
        ...receivers.map((receiver, index) => {
          const asked = asks.byReceiver.get(receiver.id) ?? [];
          this.#send(drill, { receiver, index, asked });
          const state = { state: "queued" as const, why: null, at: startedAt, by: null };
          return { receiver: receiver.id, kind: receiver.kind, ...state, asked };
        }),
        ...asks.toNobody.map((step) => ({
          ...{ receiver: step, kind: "step", state: "failed" as const, at: startedAt, by: null },
          why: "nobody is behind this step at this hour",
        })),
      ];
      this.#table.save(drill);
      ledger.appendOwn("drill.started", startedAt, { drill: drill.id, by });
    });
    this.#deps.log.info({ drill: drill.id, by, receivers: receivers.length }, "drill started");
    return drill;
  }

  /** The newest first, as they stand now. */
  list = (most: number): Drill[] => this.#table.list(most).map((drill) => this.#renew(drill));

  get = (id: string): Drill | undefined => {
    const drill = this.#table.get(id);
    return drill && this.#renew(drill);
  };

  /** Notes that somebody has read the test; false when there is no such part, or it is noted already. */
  acknowledge(id: string, receiver: string, by: string): boolean {
    const drill = this.get(id);
    const step = drill?.steps.find((one) => one.receiver === receiver && one.kind !== "step");
    if (!drill || !step || step.state === "acknowledged") return false;
    const at = this.#deps.clock.nowMs();
    Object.assign(step, { state: "acknowledged", why: null, at, by });
    transact(this.#deps.db, () => {
      this.#table.save(drill);
      this.#deps.ledger.appendOwn("drill.acknowledged", at, { drill: id, receiver, by });
    });
    return true;
  }

  /** A part of a drill as if it were an alarm, for whoever answers a link in its message. */
  asAlarm(alarm: string): AlarmView | undefined {
    const { drill, step } = this.#partOf(alarm) ?? {};
    if (!drill || !step) return undefined;
    const read = step.state === "acknowledged";
    return {
      ...{ id: alarm, rule: "drill", subject: step.receiver, place: null, priority: 4 },
      ...{ title: "Test of the way to you", detail: "no alarm", runbook: null, occurrence: 1 },
      ...{ state: read ? "acknowledged" : "active", raisedAt: drill.startedAt, clearedAt: null },
      ack: read ? { at: step.at, by: step.by ?? "somebody" } : null,
      ...{ shelved: null, suppressed: false, outOfService: null, value: null, limit: null },
      unit: "",
    };
  }

  acknowledgeAlarm(alarm: string, by: string): void {
    const { drill, step } = this.#partOf(alarm) ?? {};
    if (drill && step) this.acknowledge(drill.id, step.receiver, by);
  }

  /** Tests of the newest drill that nobody has acknowledged, for answers by SMS. */
  calls(): Call[] {
    const [drill] = this.list(1);
    if (!drill || this.#deps.clock.nowMs() - drill.startedAt > ACK_VALID_MS) return [];
    return drill.steps.flatMap(({ receiver }, index) => {
      const view = this.asAlarm(`${drill.id}.${index}`);
      return view && view.ack === null ? [callOf(view, receiver)] : [];
    });
  }

  /** 0 good, 1 the newest failed somewhere, 2 overdue. Offered once there is something to say. */
  gauges(): OwnGauge[] {
    const [newest] = this.#table.list(1);
    if (!newest && !this.#deps.times) return [];
    const states = { "0": "passed", "1": "failed", "2": "overdue" };
    const label = "Drill of the ways alarms go";
    return [{ role: "drill", quantity: "state", label, states, read: () => this.#verdict() }];
  }

  /** Begins what is due and ends what takes too long, until `signal` aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps;
    let failing = false;
    while (!signal.aborted) {
      try {
        this.list(1);
        if (this.#isDue(clock.nowMs())) this.start("schedule");
        failing = false;
      } catch (error) {
        if (!isStorageFault(error)) throw error;
        if (!failing) log.error({ err: error }, "drills cannot be written down");
        failing = true;
      }
      await clock.sleep(LOOK_EVERY_MS, signal);
    }
  }

  #send(
    drill: Drill,
    { receiver, index, asked }: { receiver: Receiver; index: number; asked: readonly string[] },
  ): void {
    const { outbox, site, ackBase, delivery } = this.#deps;
    const alarm = `${drill.id}.${index}`;
    const at = drill.startedAt;
    const claim = { alarm, occurrence: 1, receiver: receiver.id, step: 0 };
    const token = delivery.links.make({ ...claim, expiresAt: at + ACK_VALID_MS });
    const notice = drillNotice({
      ...{ drill: drill.id, alarm, at, receiver, asked, site },
      ackUrl: ackBase === null ? null : `${ackBase}/ack/${token}`,
      replyCode: delivery.links.code(alarm, 1),
    });
    outbox.enqueue(notice);
    const end = drillEnd(notice, receiver);
    if (end) outbox.enqueue(end);
  }

  /** Brings a drill up to what the outbox knows, and ends it once nothing can change. */
  #renew(drill: Drill): Drill {
    if (drill.doneAt !== null) return drill;
    const now = this.#deps.clock.nowMs();
    const rows = new Map(this.#table.rows(drill.id).map((row) => [row.receiver, row]));
    const isLate = now - drill.startedAt >= DRILL_TAKES_MS;
    const steps = drill.steps.map((step) => {
      if (step.state !== "queued") return step;
      return { ...step, ...stateOf(rows.get(step.receiver), isLate, now) };
    });
    const isOver = steps.every(({ state }) => state !== "queued");
    const renewed = { ...drill, steps, doneAt: isOver ? now : null };
    if (JSON.stringify(renewed) === JSON.stringify(drill)) return drill;
    transact(this.#deps.db, () => {
      this.#table.save(renewed);
      if (isOver) this.#tell(renewed);
    });
    return renewed;
  }

  #tell({ id, doneAt, steps }: Drill): void {
    const failed = steps.filter(({ state }) => state === "failed").map(({ receiver }) => receiver);
    const tried = steps.length;
    this.#deps.ledger.appendOwn("drill.done", doneAt ?? 0, { drill: id, tried, failed });
    this.#deps.log[failed.length > 0 ? "error" : "info"](
      { drill: id, tried, failed },
      "drill done",
    );
  }

  #verdict(): number {
    const done = this.list(MAX_LOOKED_AT).filter(({ doneAt }) => doneAt !== null);
    const passed = done.find(({ steps }) => steps.every(({ state }) => state !== "failed"));
    if (done[0] && done[0] !== passed) return 1;
    const since = Math.max(this.#since, passed?.startedAt ?? 0);
    const isOverdue = this.#deps.clock.nowMs() - since > DRILL_OVERDUE_MS;
    return this.#deps.times && isOverdue ? 2 : 0;
  }

  /** On the day or after it, in the hour that is set: after an outage nobody is woken at night for it. */
  #isDue(now: EpochMs): boolean {
    const { times, site } = this.#deps;
    if (!times) return false;
    const { day, minute } = localTime(now, site.timezone);
    const date = new Date(day * DAY_MS);
    if (Math.floor(minute / 60) !== times.hour || date.getUTCDate() < times.day) return false;
    const firstDay = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), times.day) / DAY_MS;
    const dayOf = (at: EpochMs) => localTime(at, site.timezone).day;
    if (dayOf(this.#since) > firstDay) return false;
    return !this.#table.list(1).some(({ startedAt }) => dayOf(startedAt) >= firstDay);
  }

  #partOf(alarm: string) {
    const [, id = "", index = ""] = /^(drill-\d{8}-\d{6})\.(\d{1,3})$/.exec(alarm) ?? [];
    const drill = id === "" ? undefined : this.get(id);
    const step = drill?.steps[Number(index)];
    return step && step.kind !== "step" ? { drill, step } : undefined;
  }
}

const MAX_LOOKED_AT = 3;

const callOf = (view: AlarmView, receiver: string): Call => ({
  ...{ alarm: view.id, occurrence: view.occurrence, view, told: [receiver], targets: [receiver] },
  urgency: view.priority,
  ...{ state: "running", why: null, nextAt: null, steps: 1, repeats: 0, pages: 1, asked: [] },
  ...{ incident: null, lead: null, cause: "drill", isAgain: false, held: null, room: null },
});

/** "drill-20260131-100000", in UTC. */
const idOf = (at: EpochMs): string =>
  `drill-${new Date(at).toISOString().slice(0, 19).replaceAll(/[-:]/g, "").replace("T", "-")}`;

function stateOf(row: DrillRow | undefined, isLate: boolean, now: EpochMs) {
  const late = "it did not go out within 30 min";
  if (!row) return isLate ? { state: "failed" as const, why: late, at: now } : {};
  const { state, error, attempts, done_at: doneAt } = row;
  if (state !== "queued") return { state, why: error, at: doneAt ?? now };
  const why = attempts > 0 ? error : null;
  if (isLate) return { state: "failed" as const, why: why ? `${late}: ${why}` : late, at: now };
  return { why };
}
