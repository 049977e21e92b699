import type { EpochMs } from "../../contract/clock.ts";
import { type Aggregate, floorTo } from "./aggregate.ts";

/** A stretch in which a bucket must hold several periods, or one reading more or less would look like a loss. */
const PERIODS_PER_BUCKET = 4;
/** A bucket that lacks fewer readings than this is only a matter of where its edges fall. */
const SLACK_READINGS = 1.5;

export interface Stretch {
  from: EpochMs;
  to: EpochMs;
}

export interface PointCounts {
  periodMs: number;
  /** From when on it should have readings; `to` is not included. */
  range: Stretch;
  /** Rows of any quality in buckets of `stepMs`. */
  counts: readonly Aggregate[];
  stepMs: number;
}

export interface Judged {
  expected: number;
  stored: number;
  /** Stretches in which readings are missing, to the width of a bucket. */
  suspect: Stretch[];
}

/** What should be there, what is, and where to look for what is not. */
export function judgeCounts({ periodMs, range, counts, stepMs }: PointCounts): Judged {
  const lengthMs = Math.max(0, range.to - range.from);
  const expected = Math.floor(lengthMs / periodMs);
  const inside = counts.filter(({ at }) => at + stepMs > range.from && at < range.to);
  const stored = inside.reduce((sum, { rows }) => sum + rows, 0);
  return { expected, stored, suspect: lengthMs > 0 ? suspects(inside, range, wideStep()) : [] };

  function wideStep() {
    const stepsNeeded = Math.ceil((PERIODS_PER_BUCKET * periodMs) / stepMs);
    return { stepMs: stepMs * Math.max(1, stepsNeeded), periodMs };
  }
}

function suspects(
  counts: readonly Aggregate[],
  range: Stretch,
  { stepMs, periodMs }: { stepMs: number; periodMs: number },
): Stretch[] {
  const rows = new Map<number, number>();
  for (const { at, rows: more } of counts) {
    const bucket = floorTo(at, stepMs);
    rows.set(bucket, (rows.get(bucket) ?? 0) + more);
  }
  const found: Stretch[] = [];
  for (let at = floorTo(range.from, stepMs); at < range.to; at += stepMs) {
    const from = Math.max(at, range.from);
    const to = Math.min(at + stepMs, range.to);
    const held = rows.get(at) ?? 0;
    const wanted = (to - from) / periodMs;
    if (held > wanted - SLACK_READINGS && (held > 0 || wanted < SLACK_READINGS)) continue;
    const last = found.at(-1);
    if (last?.to === from) last.to = to;
    else found.push({ from, to });
  }
  return found;
}

/** Percent of what was expected, to two decimals downwards: 100 only when nothing is missing. */
export function percentOf(stored: number, expected: number, whole: boolean): number {
  if (expected === 0 || (whole && stored >= expected - 1)) return 100;
  const percent = Math.floor(Math.min(1, stored / expected) * 10_000) / 100;
  return whole ? percent : Math.min(percent, 99.99);
}
