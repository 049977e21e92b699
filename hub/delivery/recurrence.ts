import type { EpochMs } from "../../contract/clock.ts";
import {
  dateOf,
  dayOf,
  daysInMonth,
  epochOf,
  type LocalTime,
  localTime,
  weekdayOf,
} from "./local-time.ts";

const WEEKDAYS = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
const FREQUENCIES = ["DAILY", "WEEKLY", "MONTHLY"] as const;
const KEYS = ["FREQ", "INTERVAL", "BYDAY", "BYMONTHDAY", "UNTIL", "COUNT"];
/** How far ahead the last of `COUNT` occurrences is looked for. */
const MAX_AHEAD_DAYS = 36_600;
const MAX_COUNT = 1_000;
const DAY_MS = 86_400_000;

/** The part of RFC 5545's RRULE that plans of work need. Days are 0 Monday … 6 Sunday. */
export interface Recurrence {
  frequency: (typeof FREQUENCIES)[number];
  interval: number;
  /** `nth` 2 is the second of the month, -1 the last; null is every one. */
  byDay: { nth: number | null; weekday: number }[];
  /** -1 is the month's last day. */
  byMonthDay: number[];
  /** The last moment at which one may start. */
  until: LocalTime | { at: EpochMs } | null;
  count: number | null;
}

/** Reads `FREQ=MONTHLY;BYDAY=2TU`, or says what in it is not understood. */
export function parseRecurrence(text: string): { recurrence: Recurrence } | { why: string } {
  const parts = new Map<string, string>();
  for (const piece of text.replace(/^RRULE:/, "").split(";")) {
    const [key = "", value, ...rest] = piece.split("=");
    if (!KEYS.includes(key) || !value || rest.length > 0)
      return { why: `"${piece}" is not understood; allowed: ${KEYS.join(", ")}, as in FREQ=DAILY` };
    if (parts.has(key)) return { why: `${key} stands there twice` };
    parts.set(key, value);
  }
  const frequency = FREQUENCIES.find((name) => name === parts.get("FREQ"));
  if (!frequency) return { why: `FREQ is needed: one of ${FREQUENCIES.join(", ")}` };
  const interval = whole(parts.get("INTERVAL") ?? "1", 1, 400);
  if (interval === undefined) return { why: "INTERVAL: a whole number from 1 to 400" };
  const count = parts.has("COUNT") ? whole(parts.get("COUNT")!, 1, MAX_COUNT) : null;
  if (count === undefined) return { why: `COUNT: a whole number from 1 to ${MAX_COUNT}` };
  const until = parts.has("UNTIL") ? parseUntil(parts.get("UNTIL")!) : null;
  if (until === undefined) return { why: "UNTIL: a date such as 20261231 or 20261231T180000Z" };
  if (until && count !== null) return { why: "UNTIL and COUNT: write one of them" };
  const days = daysOf(parts, frequency);
  return "why" in days ? days : { recurrence: { frequency, interval, ...days, until, count } };
}

function daysOf(
  parts: ReadonlyMap<string, string>,
  frequency: Recurrence["frequency"],
): Pick<Recurrence, "byDay" | "byMonthDay"> | { why: string } {
  const byDay: Recurrence["byDay"] = [];
  for (const name of parts.get("BYDAY")?.split(",") ?? []) {
    const [, nth, weekday = ""] = /^([+-]?[1-5])?([A-Z]{2})$/.exec(name) ?? [];
    const index = WEEKDAYS.indexOf(weekday);
    if (index < 0) return { why: `BYDAY: "${name}" is no day; ${WEEKDAYS.join(" ")}, as in 2TU` };
    if (nth !== undefined && frequency !== "MONTHLY")
      return { why: `BYDAY: "${name}" counts within a month; write FREQ=MONTHLY` };
    byDay.push({ nth: nth === undefined ? null : Number(nth), weekday: index });
  }
  const byMonthDay: number[] = [];
  for (const name of parts.get("BYMONTHDAY")?.split(",") ?? []) {
    const number = whole(name, -31, 31);
    if (!number) return { why: `BYMONTHDAY: "${name}" is no day; 1 to 31, or -1 for the last` };
    byMonthDay.push(number);
  }
  if (byMonthDay.length > 0 && frequency === "WEEKLY")
    return { why: "BYMONTHDAY does not go with FREQ=WEEKLY" };
  return { byDay, byMonthDay };
}

function whole(text: string, least: number, most: number): number | undefined {
  const number = /^[+-]?\d{1,4}$/.test(text) ? Number(text) : Number.NaN;
  return number >= least && number <= most ? number : undefined;
}

function parseUntil(text: string): Recurrence["until"] | undefined {
  const [, y, mo, d, time, h, m, s, utc] =
    /^(\d{4})(\d{2})(\d{2})(T([01]\d|2[0-3])([0-5]\d)([0-5]\d)(Z)?)?$/.exec(text) ?? [];
  const day = dayOf({ year: Number(y), month: Number(mo), dayOfMonth: Number(d) });
  if (y === undefined || day === undefined) return undefined;
  if (!time) return { day, minute: 1_439 };
  const minute = Number(h) * 60 + Number(m) + Number(s) / 60;
  return utc ? { at: day * DAY_MS + minute * 60_000 } : { day, minute };
}

/** Something that takes a while, once or again and again, by the clocks of one zone. */
export interface Series {
  start: LocalTime;
  lastsMs: number;
  /** It ends when the clock's face says so, also when clocks are changed meanwhile. */
  byFace?: true;
  recurrence: Recurrence | null;
  /** Days on which it does not start. */
  except: readonly number[];
  zone: string;
  /** The last day on which it may start, by its COUNT; null without an end. */
  lastDay: number | null;
}

/** The last day of a recurrence with a COUNT; days taken out by `except` count as well, as in RFC 5545. */
export function lastDayOf(recurrence: Recurrence | null, startDay: number): number | null {
  if (!recurrence) return startDay;
  if (recurrence.count === null) return null;
  let left = recurrence.count;
  for (let day = startDay; day < startDay + MAX_AHEAD_DAYS; day += 1) {
    if (occursOn(recurrence, startDay, day)) left -= 1;
    if (left === 0) return day;
  }
  return startDay + MAX_AHEAD_DAYS;
}

/** Whether the recurrence falls on that day, leaving out how often and until when. */
export function occursOn(recurrence: Recurrence, startDay: number, day: number): boolean {
  const { frequency, interval, byDay, byMonthDay } = recurrence;
  if (day < startDay) return false;
  const here = dateOf(day);
  const first = dateOf(startDay);
  const monthDays = daysInMonth(here);
  const steps = {
    DAILY: day - startDay,
    WEEKLY: (day - weekdayOf(day) - (startDay - weekdayOf(startDay))) / 7,
    MONTHLY: (here.year - first.year) * 12 + here.month - first.month,
  }[frequency];
  if (steps % interval !== 0) return false;
  const isNamed = byDay.some(({ nth, weekday }) => {
    if (weekday !== weekdayOf(day)) return false;
    const fromStart = Math.ceil(here.dayOfMonth / 7);
    const fromEnd = -Math.ceil((monthDays - here.dayOfMonth + 1) / 7);
    return nth === null || nth === fromStart || nth === fromEnd;
  });
  const isNumbered =
    byMonthDay.includes(here.dayOfMonth) || byMonthDay.includes(here.dayOfMonth - monthDays - 1);
  if (byDay.length > 0 && !isNamed) return false;
  if (byMonthDay.length > 0 && !isNumbered) return false;
  if (byDay.length > 0 || byMonthDay.length > 0 || frequency === "DAILY") return true;
  return frequency === "WEEKLY"
    ? weekdayOf(day) === weekdayOf(startDay)
    : here.dayOfMonth === first.dayOfMonth;
}

/** When the occurrence that is going on at `now` ends, the latest of several; null when none is. */
export function coveredUntil(series: Series, now: EpochMs): EpochMs | null {
  const { start, lastsMs, zone, byFace } = series;
  const today = localTime(now, zone).day;
  let end: EpochMs | null = null;
  // One day more on either side: a duration may hold a change of the clocks.
  for (let day = today - Math.ceil(lastsMs / DAY_MS) - 1; day <= today + 1; day += 1) {
    if (!startsOn(series, day)) continue;
    const from = epochOf({ day, minute: start.minute }, zone);
    const to = byFace
      ? epochOf(later({ day, minute: start.minute }, lastsMs), zone)
      : from + lastsMs;
    if (from <= now && now < to) end = Math.max(end ?? to, to);
  }
  return end;
}

function later({ day, minute }: LocalTime, ms: number): LocalTime {
  const minutes = minute + ms / 60_000;
  return { day: day + Math.floor(minutes / 1_440), minute: minutes % 1_440 };
}

function startsOn({ start, recurrence, except, zone, lastDay }: Series, day: number): boolean {
  if (except.includes(day) || (lastDay !== null && day > lastDay)) return false;
  if (!recurrence) return day === start.day;
  if (!occursOn(recurrence, start.day, day)) return false;
  const { until } = recurrence;
  if (!until) return true;
  if ("at" in until) return epochOf({ day, minute: start.minute }, zone) <= until.at;
  return day < until.day || (day === until.day && start.minute <= until.minute);
}
