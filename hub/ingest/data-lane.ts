import Database from "better-sqlite3";
import type { Logger } from "pino";
import { z } from "zod";
import type { Clock } from "../../contract/clock.ts";
import {
  type AlarmEvent,
  type DataMessage,
  dataSchema,
  MAX_ROWS,
  type SpoolEvent,
} from "../../contract/message.ts";
import { parseRow } from "../../contract/row.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import type { EventSink, LedgerInput } from "../ledger/ledger.ts";
import type { LiveNode, LiveState } from "../live/live-state.ts";
import type { BatchQueue, QueuedReading } from "./batch-queue.ts";
import type { NodeClocks } from "./node-clocks.ts";
import type { Quarantine, QuarantineEntry } from "./quarantine.ts";
import { whyNotEvent, whyNotReading } from "./row-rules.ts";
import { AHEAD, FUTURE_MS, TOO_OLD } from "./stamps.ts";

/**
 * Longer messages than allowed are counted, but their rows are taken: refusing them would lose rows, or
 * have them sent for ever. The size of a payload bounds them anyway.
 */
export const frameSchema = dataSchema.extend({ rows: z.array(z.unknown()).min(1) });

export interface DataLaneDeps {
  queue: BatchQueue;
  events: EventSink;
  /** Hears of alarm events once they are recorded, also of those sent again. */
  alarms: Pick<Alarms, "nodeEvents">;
  live: LiveState;
  quarantine: Quarantine;
  clocks: Pick<NodeClocks, "hubIsBehindBy" | "hubIsAheadBy">;
  refuse(node: string, why: string): void;
  clock: Clock;
  log: Logger;
}

/** How far a node's spool has come. */
interface Progress {
  epoch: string;
  floor: number;
  /** Everything up to here has been taken, in order, without a gap. */
  upto: number;
}

interface Sorted {
  rows: QueuedReading[];
  events: LedgerInput[];
  refused: QuarantineEntry[];
  /** Sequence of the message's last row. */
  last: number;
  /** A row's time lies too far ahead of the hub's clock, or too long ago by it. */
  ahead: boolean;
  old: boolean;
  /** Time of the newest sound row. */
  newestAt: number;
}

/** Spool rows of the nodes: sorts them, records events and refused rows at once, queues readings. */
export class DataLane {
  readonly #deps: DataLaneDeps;
  /** Of announced nodes only, so there are at most `MAX_NODES`. */
  readonly #progress = new Map<string, Progress>();
  #error: string | null = null;
  #holding = false;

  constructor(deps: DataLaneDeps) {
    this.#deps = deps;
  }

  /** Why events cannot be recorded at the moment. */
  get error(): string | null {
    return this.#error;
  }

  /**
   * A message after a gap is dropped without a word: its node sends again from its lowest row. So is one
   * with rows from the future or of long ago when it is the hub that has the wrong time.
   */
  take(node: LiveNode, frame: DataMessage): void {
    const { queue, clock, refuse } = this.#deps;
    const progress = this.#progressOf(node.id, frame);
    if (frame.first > Math.max(progress.upto, frame.floor - 1) + 1) return;
    if (frame.rows.length > MAX_ROWS) refuse(node.id, `more than ${MAX_ROWS} rows in a message`);
    const sorted = this.#sort(node.id, frame);
    if (this.#hubIsWrong(sorted)) {
      if (!this.#holding)
        this.#deps.log.error("the hub's clock differs from those of all nodes, rows held");
      this.#holding = true;
      return;
    }
    if (!Number.isSafeInteger(sorted.last)) {
      refuse(node.id, "sequence out of range");
      return;
    }
    this.#holding = false;
    if (!this.#record(node, sorted)) return;
    const alarms = sorted.events.flatMap(({ event }) => (isAlarm(event) ? [event] : []));
    if (alarms.length > 0) this.#deps.alarms.nodeEvents(node, frame.epoch, alarms);
    progress.upto = sorted.last;
    const upto = Math.max(sorted.last, frame.floor - 1);
    const { rows } = sorted;
    queue.push({ node: node.id, epoch: frame.epoch, upto, rows, arrivedMs: clock.monoMs() });
    this.#deps.live.recordedUpTo(node.id, sorted.newestAt);
  }

  #hubIsWrong({ ahead, old }: Sorted): boolean {
    const { clocks } = this.#deps;
    return (ahead && clocks.hubIsBehindBy(FUTURE_MS)) || (old && clocks.hubIsAheadBy(FUTURE_MS));
  }

  /** An honest spool's floor never falls. One that does is an older copy of the spool: begin anew. */
  #progressOf(node: string, { epoch, floor }: DataMessage): Progress {
    const held = this.#progress.get(node);
    if (held && held.epoch === epoch && held.floor <= floor) {
      held.floor = floor;
      return held;
    }
    const fresh = { epoch, floor, upto: floor - 1 };
    this.#progress.set(node, fresh);
    return fresh;
  }

  #sort(node: string, frame: DataMessage): Sorted {
    const { epoch } = frame;
    const { live, clock } = this.#deps;
    const receivedAt = clock.nowMs();
    const sorted: Sorted = {
      ...{ rows: [], events: [], refused: [] },
      ...{ last: 0, ahead: false, old: false, newestAt: 0 },
    };
    let seq = frame.first;
    for (const raw of frame.rows) {
      const row = parseRow(raw);
      if (row.kind === "skip") {
        seq += row.count;
        continue;
      }
      const why =
        row.kind === "reading"
          ? whyNotReading(live, node, row.reading, receivedAt)
          : row.kind === "event"
            ? whyNotEvent(live, node, row.event)
            : row.why;
      if (why === AHEAD) sorted.ahead = true;
      else if (why === TOO_OLD) sorted.old = true;
      if (why !== undefined) sorted.refused.push({ node, epoch, seq, receivedAt, why, row: raw });
      else if (row.kind === "reading") {
        sorted.rows.push({ node, epoch, seq, reading: row.reading });
        if (row.reading.at > sorted.newestAt) sorted.newestAt = row.reading.at;
      } else if (row.kind === "event")
        sorted.events.push({ node, epoch, seq, receivedAt, event: row.event });
      seq += 1;
    }
    sorted.last = seq - 1;
    return sorted;
  }

  /** False when the disk under hub.db fails: nothing of the message counts as taken then. */
  #record(node: LiveNode, { events, refused }: Sorted): boolean {
    const { live, quarantine, log } = this.#deps;
    try {
      if (events.length > 0) this.#deps.events.append(events);
      if (refused.length > 0) {
        quarantine.add(refused);
        node.quarantined = quarantine.countByNode(node.id);
      }
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      if (this.#error === null) log.error({ error: error.message }, "events not recordable");
      this.#error = `hub.db: ${error.message}`;
      return false;
    }
    if (this.#error !== null && events.length + refused.length > 0) {
      log.info("events recordable again");
      this.#error = null;
    }
    for (const { event } of events) if (event.type === "door") live.doorEvent(node.id, event);
    return true;
  }
}

const isAlarm = (event: SpoolEvent): event is AlarmEvent => event.type === "alarm";
