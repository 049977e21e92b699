import type { Bucket } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { Reading } from "../../contract/reading.ts";

/** A checked reading and the node that measured it. */
export interface StoredReading {
  node: string;
  reading: Reading;
}

export interface HistoryQuery {
  point: string;
  /** Inclusive. */
  fromMs: EpochMs;
  /** Exclusive. */
  toMs: EpochMs;
  /** Width of a bucket, at least 1,000. Buckets start at whole multiples of it since 1970. */
  stepMs: number;
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
  /** Resolves once every row is durable; otherwise rejects with `StoreError`. */
  write(readings: readonly StoredReading[], signal?: AbortSignal): Promise<void>;
  /** Buckets of good values only; a bucket without any is left out. Throws RangeError beyond `MAX_BUCKETS`. */
  history(query: HistoryQuery): Promise<Bucket[]>;
  /** All stored rows of a point with `fromMs` ≤ time < `toMs`. */
  totals(query: { point: string; fromMs: EpochMs; toMs: EpochMs }): Promise<Totals>;
  close(): Promise<void>;
}

export const MAX_BUCKETS = 2_000;
export const MIN_STEP_MS = 1_000;

/** Refuses a query that would ask the store for too much; throws RangeError with what is allowed. */
export function checkHistoryQuery({ fromMs, toMs, stepMs }: HistoryQuery): void {
  if (!Number.isSafeInteger(fromMs) || !Number.isSafeInteger(toMs) || fromMs < 0)
    throw new RangeError("from and to are whole milliseconds since 1970");
  if (!Number.isSafeInteger(stepMs) || stepMs < MIN_STEP_MS)
    throw new RangeError(`step is a whole number of milliseconds, at least ${MIN_STEP_MS}`);
  if (toMs <= fromMs) throw new RangeError("to must be later than from");
  const buckets = Math.floor((toMs - 1) / stepMs) - Math.floor(fromMs / stepMs) + 1;
  if (buckets > MAX_BUCKETS)
    throw new RangeError(
      `${buckets} buckets asked, at most ${MAX_BUCKETS} allowed: widen the step`,
    );
}
