import type { EpochMs } from "../contract/clock.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const two = (n: number) => String(n).padStart(2, "0");

/** Age for a small place: `12 s`, `4 min`, `3 h`, `2 d`. Rounds down. */
export function shortAge(ms: number): string {
  if (ms < MINUTE) return `${Math.floor(ms / SECOND)} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`;
  return `${Math.floor(ms / DAY)} d`;
}

/** Running time of an alarm: `01:21`, from one hour `4 h 51 min`, from one day `2 d 3 h`. */
export function alarmAge(ms: number): string {
  const safe = Math.max(0, ms);
  if (safe < HOUR)
    return `${two(Math.floor(safe / MINUTE))}:${two(Math.floor(safe / SECOND) % 60)}`;
  if (safe < DAY) return `${Math.floor(safe / HOUR)} h ${two(Math.floor(safe / MINUTE) % 60)}`;
  return `${Math.floor(safe / DAY)} d ${Math.floor(safe / HOUR) % 24} h`;
}

/** `m:ss`, from one hour `h:mm:ss`. */
export function stopwatch(ms: number): string {
  const s = Math.max(0, Math.floor(ms / SECOND));
  const rest = `${two(s % 60)}`;
  if (s < 3_600) return `${Math.floor(s / 60)}:${rest}`;
  return `${Math.floor(s / 3_600)}:${two(Math.floor(s / 60) % 60)}:${rest}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function format(key: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat("en-GB", options);
    formats.set(key, found);
  }
  return found;
}

/** `14:32:07` in the site's time zone. */
export function clockTime(at: EpochMs, timeZone: string): string {
  return format(`c${timeZone}`, { timeZone, timeStyle: "medium", hourCycle: "h23" }).format(at);
}

/** `14:32` in the site's time zone. */
export function hourMinute(at: EpochMs, timeZone: string): string {
  return clockTime(at, timeZone).slice(0, 5);
}

/** `Sun 22 Nov` in the site's time zone. */
export function shortDate(at: EpochMs, timeZone: string): string {
  const parts = format(`d${timeZone}`, {
    timeZone,
    weekday: "short",
    day: "numeric",
    month: "short",
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("weekday")} ${of("day")} ${of("month")}`;
}

/** `2026-11-22 14:32:07` in a time zone. */
export function fullTime(at: EpochMs, timeZone: string): string {
  return `${isoDate(at, timeZone)} ${clockTime(at, timeZone)}`;
}

export function isoDate(at: EpochMs, timeZone: string): string {
  const parts = format(`i${timeZone}`, {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  }).formatToParts(at);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}

/** `UTC+2`, `UTC+5:30`, `UTC`. */
export function utcOffset(at: EpochMs, timeZone: string): string {
  const parts = format(`o${timeZone}`, { timeZone, timeZoneName: "longOffset" }).formatToParts(at);
  const text = parts.find((part) => part.type === "timeZoneName")?.value ?? "GMT";
  const match = /GMT([+-])(\d{2}):(\d{2})/.exec(text);
  if (!match || Number(`${match[2]}${match[3]}`) === 0) return "UTC";
  const [, sign, hours, minutes] = match;
  return `UTC${sign === "-" ? "−" : "+"}${Number(hours)}${minutes === "00" ? "" : `:${minutes}`}`;
}

/** Milliseconds that local time is ahead of UTC in a zone at that moment. */
export function offsetMs(at: EpochMs, timeZone: string): number {
  const match = /UTC([+−])(\d+)(?::(\d+))?/.exec(utcOffset(at, timeZone));
  if (!match) return 0;
  const size = (Number(match[2]) * 60 + Number(match[3] ?? 0)) * MINUTE;
  return match[1] === "−" ? -size : size;
}

/** The moment a local `2026-11-22T14:32` stands for in a zone; undefined when it is not such a text. */
export function fromLocal(text: string, timeZone: string): EpochMs | undefined {
  const asUtc = Date.parse(`${text}Z`);
  if (!/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text) || Number.isNaN(asUtc)) return undefined;
  const guess = asUtc - offsetMs(asUtc, timeZone);
  return asUtc - offsetMs(guess, timeZone);
}

/** `2026-11-22T14:32` for an input field. */
export function toLocal(at: EpochMs, timeZone: string): string {
  return `${isoDate(at, timeZone)}T${hourMinute(at, timeZone)}`;
}
