const DAY_MS = 86_400_000;

/** `2024-01-01` for the number of days since `epoch` (such as `2000-01-01`). */
export function dateOf(days: number, epoch: string): string {
  return new Date(Date.parse(`${epoch}T00:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);
}

/** Days from `epoch` to `date`; NaN when `date` is no day. */
export function daysOf(date: string, epoch: string): number {
  return (Date.parse(`${date}T00:00:00Z`) - Date.parse(`${epoch}T00:00:00Z`)) / DAY_MS;
}

/**
 * `2007-05-17 10:45:20` for the bytes year − 2000, month, day, hour, minute, second; undefined when they
 * are no time of any day.
 */
export function datetimeOf(words: ArrayLike<number>): string | undefined {
  const bytes = Array.from(words).flatMap((word) => [word >> 8, word & 0xff]);
  const [year = 0, month = 0, day = 0, ...time] = bytes.slice(0, 6);
  const text = `${2000 + year}-${two(month)}-${two(day)} ${time.map(two).join(":")}`;
  const parsed = new Date(`${text.replace(" ", "T")}Z`);
  // A 31 February would be moved to March.
  const real = !Number.isNaN(parsed.getTime()) && parsed.getUTCDate() === day;
  return real ? text : undefined;
}

/** The opposite of `datetimeOf`. Throws RangeError for a text that is no time of 2000–2255. */
export function datetimeWords(text: string): Uint16Array {
  const parts = text.split(/\D/).map(Number);
  const [year = 0, ...rest] = parts;
  const words = Uint16Array.of(
    ((year - 2000) << 8) | (rest[0] ?? 0),
    ((rest[1] ?? 0) << 8) | (rest[2] ?? 0),
    ((rest[3] ?? 0) << 8) | (rest[4] ?? 0),
  );
  if (datetimeOf(words) !== text) throw new RangeError(`"${text}" is no time of 2000–2255`);
  return words;
}

const two = (n: number) => String(n).padStart(2, "0");
