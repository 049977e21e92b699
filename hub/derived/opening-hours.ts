import type { EpochMs } from "../../contract/clock.ts";
import { localTime } from "../delivery/local-time.ts";

const DAYS = ["Su", "Mo", "Tu", "We", "Th", "Fr", "Sa"];
const MINUTES_A_DAY = 1_440;

/** `Mo-Fr 07:00-18:00`: from the first minute to the last; past midnight when the end is the earlier. */
export interface OpeningHours {
  days: ReadonlySet<number>;
  from: number;
  to: number;
}

/** Undefined when the text, of the shape that site.yaml allows, names no time of day. */
export function parseHours(text: string): OpeningHours | undefined {
  const [, first = "", last = first, from = "", to = ""] =
    /^(\w\w)(?:-(\w\w))? (\d\d:\d\d)-(\d\d:\d\d)$/.exec(text) ?? [];
  const [begin, end] = [DAYS.indexOf(first), DAYS.indexOf(last)];
  const [fromMinute, toMinute] = [minuteOf(from), minuteOf(to)];
  if (begin < 0 || end < 0 || fromMinute === undefined || toMinute === undefined) return undefined;
  const count = ((end - begin + 7) % 7) + 1;
  const days = new Set(Array.from({ length: count }, (_, i) => (begin + i) % 7));
  return { days, from: fromMinute, to: toMinute };
}

export function isWithin(hours: readonly OpeningHours[], at: EpochMs, zone: string): boolean {
  const { day, minute } = localTime(at, zone);
  // 1 January 1970 was a Thursday.
  const weekday = (day + 4) % 7;
  return hours.some(({ days, from, to }) => {
    if (from < to) return days.has(weekday) && minute >= from && minute < to;
    const yesterday = (weekday + 6) % 7;
    return (days.has(weekday) && minute >= from) || (days.has(yesterday) && minute < to);
  });
}

function minuteOf(text: string): number | undefined {
  const [hour = Number.NaN, minute = Number.NaN] = text.split(":").map(Number);
  const total = hour * 60 + minute;
  return minute < 60 && total <= MINUTES_A_DAY ? total : undefined;
}
