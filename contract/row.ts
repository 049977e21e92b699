import { isId } from "./id.ts";
import { eventSchema, type SpoolEvent } from "./message.ts";
import type { Reading } from "./reading.ts";

/**
 * A reading on the wire: `[point, at, value]` when good, `[point, at, value, reason]` when uncertain,
 * `[point, at, null, reason]` when bad. Short, because a site sends thousands a second for years.
 */
export type WireReading =
  | [string, number, number]
  | [string, number, number, string]
  | [string, number, null, string];

/** `{event}` for a door or node event; `{skip}` for that many sequence numbers no longer in the spool. */
export type WireRow = WireReading | { event: SpoolEvent } | { skip: number };

export type Row =
  | { kind: "reading"; reading: Reading }
  | { kind: "event"; event: SpoolEvent }
  | { kind: "skip"; count: number }
  | { kind: "refused"; why: string };

const REASON_PATTERN = /^[a-z][a-z0-9-]{0,31}$/;
const LATEST_MS = 8.64e15;

export function encodeReading(reading: Reading): WireReading {
  switch (reading.quality) {
    case "good":
      return [reading.point, reading.at, reading.value];
    case "uncertain":
      return [reading.point, reading.at, reading.value, reading.reason];
    case "bad":
      return [reading.point, reading.at, null, reading.reason];
  }
}

/** Checks one row from a stranger. Never throws; a row that is not allowed comes back as `refused` with why. */
export function parseRow(row: unknown): Row {
  if (Array.isArray(row)) return parseReading(row);
  if (typeof row !== "object" || row === null) return refused("a row is an array or an object");
  if ("skip" in row) {
    const count = row.skip;
    return Number.isSafeInteger(count) && (count as number) > 0
      ? { kind: "skip", count: count as number }
      : refused("skip is a whole number above 0");
  }
  if (!("event" in row)) return refused("an object row has `event` or `skip`");
  const event = eventSchema.safeParse(row.event);
  if (event.success) return { kind: "event", event: event.data };
  const issue = event.error.issues[0];
  return refused(`event ${issue?.path.join(".") ?? ""}: ${issue?.message ?? "not understood"}`);
}

/** The hub's busiest place: object spread here would cost five times the rest of the function. */
function parseReading(row: unknown[]): Row {
  const point = row[0];
  const at = row[1];
  const value = row[2];
  if (!isId(point)) return refused("point name is not allowed");
  if (!isWhole(at) || at < 0 || at > LATEST_MS)
    return refused("time is not whole milliseconds since 1970");
  if (row.length === 3) {
    if (!isFiniteNumber(value)) return refused("value is not a finite number");
    return { kind: "reading", reading: { point, at, quality: "good", value } };
  }
  if (row.length !== 4) return refused("a reading has 3 or 4 fields");
  const reason = row[3];
  if (typeof reason !== "string" || !REASON_PATTERN.test(reason))
    return refused("reason is not a short lower-case word");
  if (value === null) return { kind: "reading", reading: { point, at, quality: "bad", reason } };
  if (!isFiniteNumber(value)) return refused("value is not a finite number");
  return { kind: "reading", reading: { point, at, quality: "uncertain", value, reason } };
}

function isWhole(value: unknown): value is number {
  return Number.isInteger(value);
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function refused(why: string): Row {
  return { kind: "refused", why };
}
