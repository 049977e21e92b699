import { type BadReason, bad, good, type Measurement } from "../../contract/reading.ts";
import type { Field, ProfilePoint } from "./schema.ts";

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

/** The value as the device holds it, without scale and without a look at "not available" patterns. */
export function decodeRaw(field: Field, wire: Wire): RawValue {
  if (!(wire instanceof Uint16Array)) return wire[0] === true;
  if (field.type === "string") return text(field, wire);
  const pattern = patternOf(field, wire);
  switch (field.type) {
    case "s16":
      return Number(BigInt.asIntN(16, pattern));
    case "s32":
      return Number(BigInt.asIntN(32, pattern));
    case "s64":
      return BigInt.asIntN(64, pattern);
    case "u64":
      return pattern;
    case "f32":
      return shortestF32(floatView(pattern, 32).getFloat32(0));
    case "f64":
      return floatView(pattern, 64).getFloat64(0);
    default:
      return Number(pattern);
  }
}

/** Scaled value of a field. Never NaN or infinite; a value no JavaScript number can hold is "range". */
export function decodeField(field: Field, wire: Wire): Decoded {
  const expected = wire instanceof Uint16Array ? field.count : 1;
  if (wire.length < expected) return { reason: "checksum" };
  const reason = notAvailable(field, wire);
  if (reason) return { reason };
  const raw = decodeRaw(field, wire);
  if (typeof raw === "string") return raw === "" ? { reason: "unsupported" } : { value: raw };
  const number = Number(raw);
  if (Number.isNaN(number)) return { reason: "not-available" };
  const scaled = number * field.scale + field.offset;
  const value = tidy(field.convert === "degF->degC" ? ((scaled - 32) * 5) / 9 : scaled);
  const exact = Number.isFinite(value) && (typeof raw !== "bigint" || Math.abs(value) < 2 ** 53);
  return exact ? { value } : { reason: "range" };
}

/** What a published point measures, from the registers of its field. */
export function decodePoint(point: ProfilePoint, wire: Wire): Measurement {
  const decoded = decodeField(point.field, wire);
  if ("reason" in decoded) return bad(decoded.reason);
  if (typeof decoded.value === "string") return bad("unsupported");
  if (point.bit !== undefined) return good(Math.floor(decoded.value / 2 ** point.bit) % 2);
  if (point.equals) return good(point.equals.includes(decoded.value) ? 1 : 0);
  return good(decoded.value);
}

function notAvailable(field: Field, wire: Wire): BadReason | undefined {
  if (!(wire instanceof Uint16Array) || field.type === "string") return undefined;
  const pattern = patternOf(field, wire);
  const listed = field.na.find(({ raw }) => raw === pattern);
  if (listed) return listed.reason;
  const [from, to] = field.naRange ?? [1n, 0n];
  if (pattern >= from && pattern <= to) return "not-available";
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

function floatView(pattern: bigint, bits: 32 | 64): DataView {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits === 64 ? pattern : pattern << 32n);
  return view;
}

/** 230.2 travels as 230.1999969…; the shortest decimal naming the same 32-bit float is what was meant. */
function shortestF32(value: number): number {
  for (let digits = 6; digits < 9; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** Removes the tail that binary fractions leave: 2301 × 0.1 is 230.1, not 230.10000000000002. */
const tidy = (value: number): number => Number(value.toPrecision(15));
