import { type BadReason, bad, good, type Measurement } from "../../contract/reading.ts";
import { dateOf, datetimeOf } from "./dates.ts";
import { keysOf, type Lookup, NOTHING_KNOWN, type Scaling, scalingOf } from "./scaling.ts";
import { type Field, isText, type ProfilePoint } from "./schema.ts";

/** What the registers hold before scaling; 64-bit integers stay exact. */
export type RawValue = number | bigint | string | boolean;

/** A field's value in its final unit, or why there is none. */
export type Decoded = { value: number | string } | { reason: BadReason };

/** The registers (fc 3 and 4) or bits (fc 1 and 2) of one field, as they came. */
export type Wire = Uint16Array | boolean[];

/** The unsigned number that the registers spell in this field's byte order. */
export function patternOf(field: Field, words: Uint16Array): bigint {
  let ordered = [...words];
  if (field.order === "CDAB" || field.order === "DCBA") ordered.reverse();
  if (field.order === "BADC" || field.order === "DCBA") ordered = ordered.map(swapBytes);
  return ordered.reduce((sum, word) => (sum << 16n) | BigInt(word), 0n);
}

/** The same for one or two registers, without the cost of big integers: most values are this short. */
function shortPattern(order: Field["order"], count: number, words: Uint16Array): number {
  const swapped = order === "BADC" || order === "DCBA";
  const first = words[0] ?? 0;
  if (count === 1) return swapped ? swapBytes(first) : first;
  const second = words[1] ?? 0;
  const [high, low] = order === "CDAB" || order === "DCBA" ? [second, first] : [first, second];
  return swapped ? swapBytes(high) * 65_536 + swapBytes(low) : high * 65_536 + low;
}

/** What a pattern of one or two registers means as a number. */
function shortNumber(type: Field["type"], pattern: number): number {
  switch (type) {
    case "s16":
      return (pattern << 16) >> 16;
    case "s32":
      return pattern | 0;
    case "f32":
      view.setUint32(0, pattern);
      return shortestF32(view.getFloat32(0));
    default:
      return pattern;
  }
}

/**
 * The value as the device holds it, without scale and without a look at "not available" patterns. A text
 * that is empty or no date is ""; decimals with a digit above 9 are NaN.
 */
export function decodeRaw(field: Field, wire: Wire): RawValue {
  if (!(wire instanceof Uint16Array)) return wire[0] === true;
  if (field.type === "string") return text(field, wire);
  if (field.type === "datetime") return datetimeOf(wire) ?? "";
  if (field.count > 2) return decodeLong(field, patternOf(field, wire));
  const pattern = shortPattern(field.order, field.count, wire);
  if (field.type === "days") return dateOf(pattern, field.epoch ?? "2000-01-01");
  if (field.type === "bcd") return decimals(BigInt(pattern), field.count);
  return shortNumber(field.type, pattern);
}

function decodeLong(field: Field, pattern: bigint): RawValue {
  switch (field.type) {
    case "bcd":
      return decimals(pattern, field.count);
    case "s64":
      return BigInt.asIntN(64, pattern);
    case "f64":
      view.setBigUint64(0, pattern);
      return view.getFloat64(0);
    default:
      return pattern;
  }
}

/**
 * Scaled value of a field; `lookup` tells what the fields hold that it depends on. Never NaN or infinite;
 * a value no JavaScript number can hold is "range".
 */
export function decodeField(field: Field, wire: Wire, lookup: Lookup = NOTHING_KNOWN): Decoded {
  const expected = wire instanceof Uint16Array ? field.count : 1;
  if (wire.length < expected) return { reason: "checksum" };
  const scaling = scalingOf(field, lookup);
  if ("reason" in scaling) return scaling;
  const reason = notAvailable(field, wire);
  if (reason) return { reason };
  const raw = decodeRaw(field, wire);
  if (typeof raw === "string") return raw === "" ? { reason: "unsupported" } : { value: raw };
  const number = Number(raw);
  if (Number.isNaN(number)) return { reason: field.type === "bcd" ? "range" : "not-available" };
  const value = scaledValue(number, scaling);
  const exact = Number.isFinite(value) && (typeof raw !== "bigint" || Math.abs(value) < 2 ** 53);
  return exact ? { value } : { reason: "range" };
}

function scaledValue(number: number, { scale, offset, convert }: Scaling): number {
  if (offset === 0 && !convert && Number.isInteger(number)) {
    if (Number.isInteger(scale)) return number * scale;
    // Tenths by division are rounded right at once: 2301 / 10 is 230.1, and 2301 × 0.1 is not.
    const parts = 1 / scale;
    if (Number.isInteger(parts)) return number / parts;
  }
  if (offset === 0 && !convert && scale === 1) return number;
  const scaled = number * scale + offset;
  return tidy(convert ? ((scaled - 32) * 5) / 9 : scaled);
}

/** What a published point measures, from the registers of its field. */
export function decodePoint(
  point: ProfilePoint,
  wire: Wire,
  lookup: Lookup = NOTHING_KNOWN,
): Measurement {
  const decoded = decodeField(point.field, wire, lookup);
  if ("reason" in decoded) return bad(decoded.reason);
  if (typeof decoded.value === "string") return bad("unsupported");
  if (point.bit !== undefined) return good(Math.floor(decoded.value / 2 ** point.bit) % 2);
  if (point.equals) return good(point.equals.includes(decoded.value) ? 1 : 0);
  return good(decoded.value);
}

/** Decodes one point of every answer; gives what `decodePoint` gives. */
export type PointDecoder = (wire: Wire, lookup: Lookup) => Measurement;

/** The decoder of a point, with everything that its profile says looked at once: most values are plain numbers. */
export function pointDecoder(point: ProfilePoint): PointDecoder {
  if (!isPlain(point)) return (wire, lookup) => decodePoint(point, wire, lookup);
  const { type, order, count, scale, offset, convert } = point.field;
  const scaling = { scale, offset, convert };
  return (wire) => {
    if (!(wire instanceof Uint16Array) || wire.length < count) return decodePoint(point, wire);
    const number = shortNumber(type, shortPattern(order, count, wire));
    if (Number.isNaN(number)) return bad("not-available");
    const value = scaledValue(number, scaling);
    return Number.isFinite(value) ? good(value) : bad("range");
  };
}

const PLAIN_TYPES: readonly string[] = ["u16", "s16", "u32", "s32", "f32"];

/** One number in one or two registers, the same whatever other registers hold, and always meant. */
function isPlain({ field, bit, equals }: ProfilePoint): boolean {
  const { type, count, na, naRange, naNegative } = field;
  const always = na.length === 0 && !naRange && !naNegative && keysOf(field).length === 0;
  return PLAIN_TYPES.includes(type) && count <= 2 && always && bit === undefined && !equals;
}

function notAvailable(field: Field, wire: Wire): BadReason | undefined {
  if (field.na.length === 0 && (isText(field.type) || (!field.naRange && !field.naNegative)))
    return undefined;
  if (!(wire instanceof Uint16Array)) return undefined;
  if (field.na.length > 0 || field.naRange) {
    const pattern = patternOf(field, wire);
    const listed = field.na.find(({ raw }) => raw === pattern);
    if (listed) return listed.reason;
    const [from, to] = field.naRange ?? [1n, 0n];
    if (pattern >= from && pattern <= to) return "not-available";
  }
  if (field.naNegative && Number(decodeRaw(field, wire)) < 0) return "not-available";
  return undefined;
}

function text(field: Field, words: Uint16Array): string {
  const bytes = [...words].flatMap((word) =>
    field.stringOrder === "hi-lo" ? [word >> 8, word & 0xff] : [word & 0xff, word >> 8],
  );
  const end = bytes.indexOf(0);
  const shown = end < 0 ? bytes : bytes.slice(0, end);
  return String.fromCharCode(...shown.filter((byte) => byte >= 0x20 && byte < 0x7f)).trim();
}

const swapBytes = (word: number) => ((word & 0xff) << 8) | (word >> 8);

/** 0x1234 is 1234; NaN when one of the digits is above 9. */
function decimals(pattern: bigint, registers: number): number {
  const digits = pattern.toString(16).padStart(4 * registers, "0");
  return /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
}

/** Scratch paper for floats; nothing is kept in it. */
const view = new DataView(new ArrayBuffer(8));

/** 230.2 travels as 230.1999969…; the shortest decimal naming the same 32-bit float is what was meant. */
function shortestF32(value: number): number {
  if (Number.isInteger(value)) return value;
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** Removes the tail that binary fractions leave: 2301 × 0.1 is 230.1, not 230.10000000000002. */
const tidy = (value: number): number => Number(value.toPrecision(15));
