import { isId } from "../../contract/id.ts";
import type { Aggregate, Tier } from "./aggregate.ts";
import { type GapQuery, type Hole, StoreError } from "./store.ts";

/** Good values only. Placeholders carry every time; names of points are ids, which need no more than this. */
const RANGE = "time >= $from AND time < $to";

/** Two statements: what the good values give, and how many rows of any quality there are. */
export function aggregateStatements(
  tier: Tier,
  points: readonly string[],
  stepMs: number,
): [string, string] {
  const where = `WHERE point =~ ${anyOf(points)} AND ${RANGE}`;
  const buckets = `GROUP BY time(${stepMs}ms), point fill(none)`;
  if (tier === "raw")
    return [
      `SELECT min(value), max(value), sum(value), count(value) FROM point ${where} AND q = 0 ${buckets}`,
      `SELECT count(q) FROM point ${where} ${buckets}`,
    ];
  return [
    `SELECT min(low), max(high), sum(sum), sum(good) FROM rollup ${where} AND good > 0 ${buckets}`,
    `SELECT sum(rows) FROM rollup ${where} ${buckets}`,
  ];
}

export const TOTALS = [
  `SELECT count(q) FROM point WHERE point = $point AND ${RANGE}`,
  `SELECT count(value), sum(value) FROM point WHERE point = $point AND ${RANGE} AND q = 0`,
  `SELECT first(q) FROM point WHERE point = $point AND ${RANGE}`,
  `SELECT last(q) FROM point WHERE point = $point AND ${RANGE}`,
];

/** First and last reading, and the distances between two that are too long. */
export function holeStatements({ longerThanMs, limit }: GapQuery): string[] {
  const elapsed = `SELECT elapsed(q, 1ms) AS ms FROM point WHERE point = $point AND ${RANGE}`;
  return [
    ...TOTALS.slice(2),
    `SELECT ms FROM (${elapsed}) WHERE ms > ${Math.floor(longerThanMs)} LIMIT ${Math.floor(limit)}`,
  ];
}

/** Ids hold nothing that is special in a pattern but the dot. */
function anyOf(points: readonly string[]): string {
  return `/^(?:${points.filter(isId).join("|").replaceAll(".", "\\.")})$/`;
}

export interface RawSeries {
  tags?: { point?: string };
  columns?: string[];
  values: (number | null)[][];
}

/** Joins the answers to `aggregateStatements`. */
export function aggregatesOf([good, all]: RawSeries[][]): Map<string, Aggregate[]> {
  const found = new Map<string, Aggregate[]>();
  for (const { tags, values } of all ?? []) {
    const sound = goodByTime(good?.find((series) => series.tags?.point === tags?.point));
    const aggregates = values.map(([at, rows]) => {
      const [low, high, sum, count] = sound.get(solid(at)) ?? [0, 0, 0, 0];
      return { at: solid(at), low, high, sum, good: count, rows: solid(rows) };
    });
    found.set(tags?.point ?? "", aggregates);
  }
  return found;
}

type Sound = [low: number, high: number, sum: number, good: number];

function goodByTime(series: RawSeries | undefined): Map<number, Sound> {
  const byTime = new Map<number, Sound>();
  for (const [at, low, high, sum, good] of series?.values ?? [])
    byTime.set(solid(at), [solid(low), solid(high), solid(sum), solid(good)]);
  return byTime;
}

/** Joins the answers to `holeStatements`. */
export function holesOf(query: GapQuery, [first, last, between]: RawSeries[][]): Hole[] {
  const { fromMs, toMs, longerThanMs, limit } = query;
  const firstAt = first?.[0]?.values[0]?.[0] ?? toMs;
  const lastAt = last?.[0]?.values[0]?.[0] ?? toMs;
  const inner = (between?.[0]?.values ?? []).map(([at, ms]) => ({
    from: solid(at) - solid(ms),
    to: solid(at),
  }));
  return [{ from: fromMs, to: firstAt }, ...inner, { from: lastAt, to: toMs }]
    .filter(({ from, to }) => to - from > longerThanMs)
    .slice(0, limit);
}

function solid(value: number | null | undefined): number {
  if (value == null) throw new StoreError("retry", "InfluxDB answered a bucket with a hole in it");
  return value;
}
