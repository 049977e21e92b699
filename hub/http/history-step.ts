import { ceilTo } from "../history/aggregate.ts";
import { finestStepMs } from "../history/history-reader.ts";
import { MAX_BUCKETS } from "../history/store.ts";
import { badRequest } from "./problem.ts";

/** Steps people read easily: seconds, minutes, hours, days, weeks. */
const STEPS_MS = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400,
  172_800, 604_800, 2_592_000,
].map((seconds) => seconds * 1_000);
const WANTED_BUCKETS = 500;
const DAY_MS = 86_400_000;
const MAX_RANGE_MS = 30 * 366 * DAY_MS;

export interface HistoryRange {
  fromMs: number;
  toMs: number;
  stepMs: number;
}

/**
 * Completes a question for history: without `to` now, without `from` the day before, without `step` the
 * smallest step that gives 500 buckets or fewer and is no finer than the point's own period. Of times
 * whose readings are no longer kept the step is that of their rollups, or a whole multiple of it.
 */
export function historyRange(
  asked: { from?: number | undefined; to?: number | undefined; step?: number | undefined },
  point: { periodMs: number; nowMs: number },
): HistoryRange {
  const toMs = asked.to ?? point.nowMs;
  const fromMs = asked.from ?? toMs - DAY_MS;
  const rangeMs = toMs - fromMs;
  if (rangeMs <= 0) throw badRequest("`from` must be earlier than `to`.");
  if (rangeMs > MAX_RANGE_MS) throw badRequest("At most 30 years can be asked for at once.");
  const kept = finestStepMs(fromMs, point.nowMs);
  const fewest = Math.max(1_000, rangeMs / (MAX_BUCKETS - 1));
  if (asked.step !== undefined) {
    if (asked.step < fewest)
      throw badRequest(
        `A step of ${asked.step} ms gives more than ${MAX_BUCKETS} buckets or is under 1 s; ` +
          `allowed here: ${Math.ceil(fewest / 1_000)}s or more.`,
      );
    return { fromMs, toMs, stepMs: kept === 1_000 ? asked.step : ceilTo(asked.step, kept) };
  }
  const wanted = Math.max(rangeMs / WANTED_BUCKETS, point.periodMs, kept);
  return { fromMs, toMs, stepMs: STEPS_MS.find((step) => step >= wanted) ?? STEPS_MS.at(-1)! };
}
