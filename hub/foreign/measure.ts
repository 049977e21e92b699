import type { EpochMs } from "../../contract/clock.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import { bad, good, type Measurement, uncertain } from "../../contract/reading.ts";
import { valueAt } from "./json-path.ts";
import type { ForeignMapping, Word } from "./mapping.ts";

/** `absent`: the message says nothing about this point. */
export type Found = { measurement: Measurement } | { refused: string } | "absent";

/** What devices and bridges write when they have no value. */
const NO_VALUE = new Set(["", "unavailable", "unknown", "nan", "null", "none", "n/a", "-"]);
const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/;
const MAX_CHARS = 64;
const USUAL_ON: Word[] = [true, 1, "on", "true", "1"];
const USUAL_OFF: Word[] = [false, 0, "off", "false", "0"];

/** Older stamps come from a device that does not know the time. */
const EARLIEST_AT = Date.UTC(2020, 0, 1);
const LATEST_AHEAD_MS = 60_000;
const OLDEST_MS = 24 * 3_600_000;
/** ISO 8601 with a zone. A local time without one may be any of two dozen. */
const ISO_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)$/;

/** The payload as JSON where it is, otherwise as the text it is; undefined for neither. */
export function parsePayload(payload: Uint8Array): unknown {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString().trim();
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return text.length <= MAX_CHARS ? text : undefined;
  }
}

/** What a message says of a mapping's point. Never a value that was not measured. */
export function measure(mapping: ForeignMapping, json: unknown): Found {
  const { path } = mapping;
  if (path && (typeof json !== "object" || json === null))
    return NO_VALUE.has(String(json).toLowerCase()) ? none() : { refused: "payload is not JSON" };
  const raw = path ? valueAt(json, path) : json;
  if (raw === undefined) return "absent";
  if (raw === null) return none();
  if (typeof raw === "string" && NO_VALUE.has(raw.trim().toLowerCase())) return none();
  if (typeof raw !== "string" && typeof raw !== "number" && typeof raw !== "boolean")
    return { refused: "value is a list or a map" };
  return mapping.quantity === "flag" ? flag(mapping, raw) : number(mapping, raw);
}

const none = (): Found => ({ measurement: bad("not-available") });

function flag({ words }: ForeignMapping, raw: Word): Found {
  if ((words?.on ?? USUAL_ON).some((word) => same(word, raw))) return { measurement: good(1) };
  if ((words?.off ?? USUAL_OFF).some((word) => same(word, raw))) return { measurement: good(0) };
  return { refused: "value is neither of the words for on and off" };
}

function same(word: Word, raw: Word): boolean {
  if (typeof word !== "string" && typeof raw !== "string") return word === raw;
  return String(word).toLowerCase() === String(raw).trim().toLowerCase();
}

function number({ quantity, conversion }: ForeignMapping, raw: Word): Found {
  if (typeof raw === "boolean") return { refused: "value is true or false, not a number" };
  const text = typeof raw === "string" ? raw.trim() : "";
  if (typeof raw === "string" && (text.length > MAX_CHARS || !NUMBER.test(text)))
    return { refused: "value is not a number" };
  const exact = (typeof raw === "string" ? Number(text) : raw) * conversion.scale;
  // Converting must not turn 21.4 into 21.400000000000002.
  const value = Number((exact + conversion.offset).toPrecision(12));
  if (!Number.isFinite(value)) return { refused: "value is not a number" };
  const { min, max } = QUANTITIES[quantity];
  return {
    measurement: value < min || value > max ? uncertain(value, "implausible") : good(value),
  };
}

/**
 * When it was measured by the payload's own word: ISO 8601 with a zone, or seconds or milliseconds since
 * 1970. `now` when it has no word on it, or its clock was never set; refused when the time cannot be right.
 */
export function measuredAt(
  { timePath }: ForeignMapping,
  json: unknown,
  now: EpochMs,
): { at: EpochMs } | { refused: string } {
  const said = timePath ? valueAt(json, timePath) : undefined;
  if (said === undefined || said === null) return { at: now };
  const at = epochOf(said);
  if (at === undefined) return { refused: "time is not ISO 8601 with a zone, nor a number" };
  if (at < EARLIEST_AT) return { at: now };
  if (at > now + LATEST_AHEAD_MS) return { refused: "time is more than a minute in the future" };
  if (at < now - OLDEST_MS) return { refused: "time is more than a day ago" };
  return { at: Math.min(at, now) };
}

function epochOf(said: unknown): EpochMs | undefined {
  if (typeof said === "string") {
    const at = ISO_TIME.test(said) ? Date.parse(said) : Number.NaN;
    return Number.isFinite(at) ? at : undefined;
  }
  if (typeof said !== "number" || !Number.isFinite(said) || said < 0) return undefined;
  return Math.round(said < 1e11 ? said * 1_000 : said);
}
