import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Reading } from "../../contract/reading.ts";
import type { Aggregate, Tier } from "./aggregate.ts";

/** What every store needs beside its place. */
export interface StoreDeps {
  log: Logger;
  /** The machine's own unless given. */
  clock?: Clock;
}

/** A checked reading and the node that measured it. */
export interface StoredReading {
  node: string;
  reading: Reading;
}

export interface AggregateQuery {
  /** Readings themselves, or what they were rolled up into. */
  tier: Tier;
  /** At most `MAX_POINTS_ASKED`. */
  points: readonly string[];
  /** Inclusive. A rollup belongs to the range when its start does. */
  fromMs: EpochMs;
  /** Exclusive. */
  toMs: EpochMs;
  /** Width of a bucket, at least 1,000 and that of the tier. Buckets start at whole multiples of it since 1970. */
  stepMs: number;
}

export interface GapQuery {
  point: string;
  fromMs: EpochMs;
  toMs: EpochMs;
  /** Only stretches longer than this are holes. */
  longerThanMs: number;
  /** The earliest so many. */
  limit: number;
}

/** A stretch of time: from the reading before it, or the start asked for, to the one after it, or the end. */
export interface Hole {
  from: EpochMs;
  to: EpochMs;
}

export interface Totals {
  rows: number;
  good: number;
  /** Sum of the good values. */
  sum: number;
  firstAt: EpochMs | null;
  lastAt: EpochMs | null;
}

/**
 * Why a write did not happen. `retry`: the store is away, full or slow, and the same write may succeed
 * later. `poison`: the rows at the indices `poison` are refused for ever; write the others again.
 */
export class StoreError extends Error {
  readonly kind: "retry" | "poison";
  readonly poison: number[];

  constructor(kind: "retry" | "poison", message: string, poison: number[] = []) {
    super(message);
    this.name = "StoreError";
    this.kind = kind;
    this.poison = poison;
  }
}

/** Where readings stay. The same point and time written twice is stored once; the later one wins. */
export interface HistoryStore {
  readonly kind: "sqlite" | "influxdb";
  /** Rows that are best written together when so many wait; the writer's own measure when left out. */
  readonly rowsAtOnce?: number;
  /** Resolves once every row is durable; otherwise rejects with `StoreError`. */
  write(readings: readonly StoredReading[], signal?: AbortSignal): Promise<void>;
  /**
   * What stands in each bucket, in order of time; buckets without a row are left out, and so are points
   * without any. Throws RangeError for more than `MAX_POINTS_ASKED` points, `MAX_BUCKETS` buckets a point or
   * `MAX_BUCKETS_IN_ALL`.
   */
  aggregate(query: AggregateQuery): Promise<Map<string, Aggregate[]>>;
  /** Writes rollups over those that stand there. Rejects with `StoreError`. */
  saveRollups(tier: Exclude<Tier, "raw">, rollups: readonly Rollup[]): Promise<void>;
  /** Stretches without any reading, good or not. */
  holes(query: GapQuery): Promise<Hole[]>;
  /** All stored rows of a point with `fromMs` ≤ time < `toMs`. */
  totals(query: { point: string; fromMs: EpochMs; toMs: EpochMs }): Promise<Totals>;
  /** Drops what is older than `TIER_KEPT_MS` at `now`, a little at a time; the store may take some minutes more. */
  dropOld(now: EpochMs, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

export interface Rollup {
  point: string;
  aggregate: Aggregate;
}

export const MAX_BUCKETS = 2_000;
export const MAX_POINTS_ASKED = 1_000;
export const MIN_STEP_MS = 1_000;
/** Buckets of all points together that one question may give. */
export const MAX_BUCKETS_IN_ALL = 1_000_000;
/** And that a store is asked for at once: an answer is held whole, and read in one go. */
const MAX_BUCKETS_AT_ONCE = 10_000;

/** Refuses a query that would ask the store for too much; throws RangeError with what is allowed. */
export function checkRange({
  fromMs,
  toMs,
  stepMs,
}: Pick<AggregateQuery, "fromMs" | "toMs" | "stepMs">): void {
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs < 0)
    throw new RangeError("from and to are whole milliseconds since 1970");
  if (!Number.isSafeInteger(stepMs) || stepMs < MIN_STEP_MS)
    throw new RangeError(`step is a whole number of milliseconds, at least ${MIN_STEP_MS}`);
  if (toMs <= fromMs) throw new RangeError("to must be later than from");
  const buckets = bucketsIn({ fromMs, toMs, stepMs });
  if (buckets > MAX_BUCKETS)
    throw new RangeError(
      `${buckets} buckets asked, at most ${MAX_BUCKETS} allowed: widen the step`,
    );
}

export function checkAggregateQuery(query: AggregateQuery): void {
  checkRange(query);
  const { length } = query.points;
  if (length > MAX_POINTS_ASKED)
    throw new RangeError(`${length} points asked, at most ${MAX_POINTS_ASKED} allowed`);
  const all = length * bucketsIn(query);
  if (all > MAX_BUCKETS_IN_ALL)
    throw new RangeError(
      `${all} buckets of ${length} points asked, at most ${MAX_BUCKETS_IN_ALL} allowed: widen the step or ask for fewer points`,
    );
}

/** The points of a query in groups small enough to be asked for at once. */
export function pointGroups(query: AggregateQuery): string[][] {
  const atOnce = Math.max(1, Math.floor(MAX_BUCKETS_AT_ONCE / bucketsIn(query)));
  const groups: string[][] = [];
  for (let first = 0; first < query.points.length; first += atOnce)
    groups.push(query.points.slice(first, first + atOnce));
  return groups;
}

function bucketsIn({ fromMs, toMs, stepMs }: Pick<AggregateQuery, "fromMs" | "toMs" | "stepMs">) {
  return Math.floor((toMs - 1) / stepMs) - Math.floor(fromMs / stepMs) + 1;
}
