import type { Rehearsal } from "../contract/alarm-health.ts";
import { isoDate } from "./time.ts";

const DAY_MS = 86_400_000;

export interface DayCount {
  /** As 2026-11-23, in site time. */
  day: string;
  before: number;
  after: number;
}

/** Alarms per day of site time, then and with the changed rule; every day of the range, also without any. */
export function perDay({ items, from, to }: Rehearsal, timeZone: string): DayCount[] {
  const days = new Map<string, DayCount>();
  for (let at = from; at < to + DAY_MS; at += DAY_MS) {
    const day = isoDate(Math.min(at, to), timeZone);
    if (!days.has(day)) days.set(day, { day, before: 0, after: 0 });
  }
  for (const { raisedAt, found } of items) {
    const count = days.get(isoDate(raisedAt, timeZone));
    if (!count) continue;
    if (found !== "after-only") count.before += 1;
    if (found !== "before-only") count.after += 1;
  }
  return [...days.values()];
}

/** The result in one sentence. */
export function rehearsalVerdict({ before, after, items }: Rehearsal): string {
  const gone = items.filter(({ found }) => found === "before-only").length;
  const added = items.filter(({ found }) => found === "after-only").length;
  if (gone + added === 0)
    return before.alarms + after.alarms === 0
      ? "No alarm then and none with this rule."
      : "The same alarms as then.";
  const fewer = after.alarms - before.alarms;
  const change = fewer === 0 ? "as many" : fewer < 0 ? `${-fewer} fewer` : `${fewer} more`;
  return `${after.alarms} alarms instead of ${before.alarms}, ${change}; ${after.pages} messages instead of ${before.pages}. ${gone} would not have come, ${added} would have come anew.`;
}
