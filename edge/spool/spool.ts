import type { EpochMs } from "../../contract/clock.ts";
import type { SpoolEvent } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";

/** When and how sure: kept beside each row, so that a time taken before the clock was set can be put right. */
export interface Taken {
  /** Milliseconds on the machine's monotonic clock, which counts from its boot. */
  monoMs: number;
  /** Whether the wall clock could be trusted at that moment. */
  synced: boolean;
}

/** A row as it was committed. */
export interface SpoolRow {
  seq: number;
  kind: "reading" | "event";
  at: EpochMs;
  monoMs: number;
  synced: boolean;
  /** True when the row was taken since the machine last booted. */
  thisBoot: boolean;
  /** Wall minus monotonic time of the row's boot, once its clock was set. */
  offsetMs: number | null;
  /** The last wall time known before the row's boot, when that ended without a set clock. */
  afterMs: number | null;
  /** JSON of the wire row (`contract/row.ts`) with the time as it was taken. */
  payload: string;
}

/** Consecutive sequence numbers from `first`; `skip` stands for that many which are no longer held. */
export interface Batch {
  first: number;
  /** The sequence number after the last one covered. */
  next: number;
  rows: (SpoolRow | { skip: number })[];
}

/** What must reach the hub, in order, on disk until the hub says it is stored. */
export interface Spool {
  /** Names this file. Sequence numbers of different epochs must never be mixed. */
  readonly epoch: string;
  /** The lowest sequence still held, or the next one to be given when nothing is. */
  readonly floor: number;
  /** The highest sequence committed so far; 0 in a new file. */
  readonly last: number;
  /** Rows waiting for the hub. */
  readonly backlog: number;
  /** Readings that wait for the next `commit`. They are lost if the process dies first. */
  readonly pending: number;
  /** False while the disk is too full for readings: only events are kept. */
  readonly keeping: boolean;
  addReading(reading: Reading, taken: Taken): void;
  /** Durable when it returns, together with every reading added before. */
  addEvent(event: SpoolEvent, taken: Taken): void;
  /** Makes everything added so far durable. Throws when the disk refuses: nothing is safe then. */
  commit(): void;
  /** Makes room where the quota or a full disk demands it, oldest readings first; declares each loss as a gap. */
  trim(room: Room): void;
  /** Committed rows from `from` on, at most `maxRows`; undefined when there are none. */
  batch(from: number, maxRows: number): Batch | undefined;
  /** Forgets rows up to and including `upto`. Returns false, and does nothing, for a foreign epoch or rows never committed. */
  ack(epoch: string, upto: number): boolean;
  /** The monotonic offset of this boot, when the clock was set. The first call of a boot stands. */
  setOffset(offsetMs: number): void;
  /** Adds one to a counter that survives restarts, and returns it. */
  count(name: string, startAt?: number): number;
  remember(name: string, value: string): void;
  recall(name: string): string | undefined;
  /** Makes several calls durable together, or not at all. */
  atomically(work: () => void): void;
  close(): void;
}

export interface Room {
  now: EpochMs;
  taken: Taken;
  /** Free bytes of the file system the spool is on. */
  freeBytes: number;
}
