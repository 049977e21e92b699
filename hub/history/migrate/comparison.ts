import type { EpochMs } from "../../../contract/clock.ts";
import { ceilTo, FIVE_MIN_MS, floorTo, HOUR_MS, type Tier } from "../aggregate.ts";
import { type HistoryStore, MAX_BUCKETS } from "../store.ts";

/** Of a long time only so much is asked at once, so that each answer comes in time. */
const STRETCH_MS = 10 * 24 * HOUR_MS;
/** Sums are added up in another order, so their last digits differ. */
const SUM_TOLERANCE = 1e-9;

interface Sums {
  rows: number;
  good: number;
  sum: number;
}
export interface Range {
  fromMs: EpochMs;
  toMs: EpochMs;
}
type Store = Pick<HistoryStore, "totals" | "aggregate">;

/** What differs between two stores about a point in a range, in words; undefined when nothing does. */
export async function difference(
  [a, b]: [Store, Store],
  { tier, point }: { tier: Tier; point: string },
  range: Range,
): Promise<string | undefined> {
  if (range.toMs <= range.fromMs) return undefined;
  const sums = tier === "raw" ? rawSums : rollupSums;
  const [here, there] = await Promise.all([
    sums(a, { tier, point }, range),
    sums(b, { tier, point }, range),
  ]);
  const same =
    here.rows === there.rows &&
    here.good === there.good &&
    Math.abs(here.sum - there.sum) <= SUM_TOLERANCE * Math.max(here.rows, Math.abs(here.sum));
  if (same) return undefined;
  return `${tier} of ${point}: ${here.rows} rows (${here.good} good, sum ${here.sum}) here, ${there.rows} (${there.good}, ${there.sum}) there`;
}

async function rawSums(
  store: Store,
  { point }: { point: string },
  { fromMs, toMs }: Range,
): Promise<Sums> {
  const all = { rows: 0, good: 0, sum: 0 };
  for (let at = fromMs; at < toMs; at += STRETCH_MS) {
    const stretch = { point, fromMs: at, toMs: Math.min(toMs, at + STRETCH_MS) };
    const { rows, good, sum } = await store.totals(stretch);
    all.rows += rows;
    all.good += good;
    all.sum += sum;
  }
  return all;
}

async function rollupSums(
  store: Store,
  { tier, point }: { tier: Tier; point: string },
  { fromMs, toMs }: Range,
): Promise<Sums> {
  const width = tier === "5m" ? FIVE_MIN_MS : HOUR_MS;
  const stepMs = ceilTo((toMs - fromMs) / (MAX_BUCKETS - 2), width);
  const query = { tier, points: [point], fromMs: floorTo(fromMs, width), toMs, stepMs };
  const found = (await store.aggregate(query)).get(point) ?? [];
  return found.reduce(
    (all, { rows, good, sum }) => ({
      rows: all.rows + rows,
      good: all.good + good,
      sum: all.sum + sum,
    }),
    { rows: 0, good: 0, sum: 0 },
  );
}
