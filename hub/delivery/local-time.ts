import type { EpochMs } from "../../contract/clock.ts";

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** A date and time as the clock on a wall shows it, in whatever zone that wall is. */
export interface LocalTime {
  /** Days since 1 January 1970. */
  day: number;
  /** Minutes since midnight on the clock's face, 0 ≤ minute < 1440; may have a fraction. */
  minute: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone);
  if (known) return known;
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    hourCycle: "h23",
    ...{ year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });
  formats.set(zone, format);
  return format;
}

/** What the zone's clocks show, read as if it were UTC. */
function faceMs(at: EpochMs, zone: string): number {
  const parts = new Map(
    formatOf(zone)
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)]),
  );
  const part = (name: Intl.DateTimeFormatPartTypes) => parts.get(name) ?? 0;
  const date = [part("year"), part("month") - 1, part("day")] as const;
  return Date.UTC(...date, part("hour"), part("minute"), part("second"));
}

export function localTime(at: EpochMs, zone: string): LocalTime {
  const face = faceMs(at, zone);
  const day = Math.floor(face / DAY_MS);
  return { day, minute: (face - day * DAY_MS) / MINUTE_MS };
}

/**
 * When the zone's clocks show this. A time that clocks skip in spring is taken as far after the gap
 * as it lies after its beginning; one that they show twice in autumn is the first.
 */
export function epochOf({ day, minute }: LocalTime, zone: string): EpochMs {
  const face = day * DAY_MS + minute * MINUTE_MS;
  const offsetMs = (at: EpochMs) => faceMs(at, zone) - at;
  const before = face - offsetMs(face - DAY_MS);
  const after = face - offsetMs(face + DAY_MS);
  return faceMs(before, zone) !== face && faceMs(after, zone) === face ? after : before;
}

export interface CalendarDate {
  year: number;
  /** 1 is January. */
  month: number;
  dayOfMonth: number;
}

export function dateOf(day: number): CalendarDate {
  const date = new Date(day * DAY_MS);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    dayOfMonth: date.getUTCDate(),
  };
}

/** Undefined for a date there is not, such as 30 February. */
export function dayOf({ year, month, dayOfMonth }: CalendarDate): number | undefined {
  const day = Date.UTC(year, month - 1, dayOfMonth) / DAY_MS;
  const found = dateOf(day);
  return found.month === month && found.dayOfMonth === dayOfMonth ? day : undefined;
}

export function daysInMonth({ year, month }: CalendarDate): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** 0 is Monday, 6 is Sunday. */
export function weekdayOf(day: number): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** "2026-11-24" as a day; undefined when it is none. */
export function parseDate(text: string): number | undefined {
  const [, year, month, dayOfMonth] = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text) ?? [];
  if (year === undefined) return undefined;
  return dayOf({ year: Number(year), month: Number(month), dayOfMonth: Number(dayOfMonth) });
}

/** "08:30" as minutes since midnight; undefined when it is none. */
export function parseTime(text: string): number | undefined {
  const [, hour, minute] = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? [];
  return hour === undefined ? undefined : Number(hour) * 60 + Number(minute);
}

/** "2026-11-24 08:30"; undefined when it is none. */
export function parseLocal(text: string): LocalTime | undefined {
  const [date = "", time = "", ...rest] = text.split(/[ T]/);
  const day = parseDate(date);
  const minute = parseTime(time);
  return day === undefined || minute === undefined || rest.length > 0 ? undefined : { day, minute };
}
