import type { Bucket } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";

/** Readings as they came, and what is kept of every five minutes and every hour. */
export const TIERS = ["raw", "5m", "1h"] as const;
export type Tier = (typeof TIERS)[number];

const DAY_MS = 86_400_000;
export const FIVE_MIN_MS = 300_000;
export const HOUR_MS = 3_600_000;

/** How long each tier is kept; hourly values stay for ever. */
export const TIER_KEPT_MS: Record<Tier, number> = {
  raw: 90 * DAY_MS,
  "5m": 2 * 365 * DAY_MS,
  "1h": Number.POSITIVE_INFINITY,
};
/** Width of what one row of a tier stands for; 0 for a single reading. */
export const TIER_STEP_MS: Record<Tier, number> = { raw: 0, "5m": FIVE_MIN_MS, "1h": HOUR_MS };

/**
 * What stands in one stretch of time. `low`, `high` and `sum` are of the good values and 0 when there
 * is none; `good / rows` is the good fraction.
 */
export interface Aggregate {
  /** Start of the stretch. */
  at: EpochMs;
  low: number;
  high: number;
  sum: number;
  good: number;
  /** Rows of any quality. */
  rows: number;
}

/** Puts aggregates together into buckets of `stepMs`, in order of time. */
export function mergeInto(stepMs: number, aggregates: Iterable<Aggregate>): Aggregate[] {
  const buckets = new Map<number, Aggregate>();
  for (const part of aggregates) {
    const at = floorTo(part.at, stepMs);
    const held = buckets.get(at);
    if (!held) buckets.set(at, { ...part, at });
    else add(held, part);
  }
  return [...buckets.values()].sort((a, b) => a.at - b.at);
}

function add(held: Aggregate, part: Aggregate): void {
  held.rows += part.rows;
  if (part.good === 0) return;
  held.low = held.good === 0 ? part.low : Math.min(held.low, part.low);
  held.high = held.good === 0 ? part.high : Math.max(held.high, part.high);
  held.sum += part.sum;
  held.good += part.good;
}

/** Good values only: a stretch without any is left out. */
export function bucketsOf(aggregates: readonly Aggregate[]): Bucket[] {
  return aggregates.flatMap(({ at, low, high, sum, good }) =>
    good === 0 ? [] : [{ at, min: low, max: high, mean: sum / good, count: good }],
  );
}

export const floorTo = (ms: number, stepMs: number): number => Math.floor(ms / stepMs) * stepMs;
export const ceilTo = (ms: number, stepMs: number): number => Math.ceil(ms / stepMs) * stepMs;
