import { datetimeWords, daysOf } from "./dates.ts";
import { patternOf } from "./decode.ts";
import { type Lookup, NOTHING_KNOWN, scalingOf } from "./scaling.ts";
import type { Field, Profile, ProfilePoint } from "./schema.ts";

/** A number, a text, or null for "the device says it has no value". */
export type FieldValue = number | string | null;

/** Address → register (fc 3, 4) or 0/1 (fc 1, 2): what a device of a profile answers. */
export type RegisterImage = Record<1 | 2 | 3 | 4, Map<number, number>>;

/**
 * The registers in which a device would hold this value: the opposite of `decodePoint`. A bit gives its
 * bitfield with only that bit, a comparison gives a code that makes it so. Throws RangeError when the
 * value does not fit, or when null is asked of a point that has no "not available" pattern.
 */
export function encodePoint(
  point: ProfilePoint,
  value: number | null,
  lookup: Lookup = NOTHING_KNOWN,
): Uint16Array {
  const { field } = point;
  if (value === null) return encodeField(field, null, lookup);
  if (point.bit !== undefined) return fromPattern(field, value ? 1n << BigInt(point.bit) : 0n);
  if (!point.equals) return encodeField(field, value, lookup);
  const codes = point.equals;
  const other = [...Array(codes.length + 1).keys()].find((code) => !codes.includes(code));
  return encodeField(field, (value ? codes[0] : other) ?? 0, lookup);
}

/**
 * The registers of one field; see `encodePoint`. A `bit` field is one register of 0 or 1. Throws
 * RangeError also when the field depends on another that `lookup` does not know.
 */
export function encodeField(
  field: Field,
  value: FieldValue,
  lookup: Lookup = NOTHING_KNOWN,
): Uint16Array {
  if (field.type === "string") return encodeText(field, String(value ?? ""));
  if (field.type === "datetime" && value !== null) return datetimeWords(String(value));
  if (value === null) return fromPattern(field, nothing(field));
  const raw = rawNumber(field, value, lookup);
  if (field.type === "bcd") return fromPattern(field, digits(field, raw));
  if (field.type === "f32" || field.type === "f64")
    return fromPattern(field, floatBits(field, raw));
  const bits = 16 * Math.max(field.count, 1);
  if (!Number.isFinite(raw)) throw new RangeError(`${field.id}: ${value} is no such value`);
  const whole = BigInt(Math.round(raw));
  const signed = field.type.startsWith("s");
  const fits = signed ? BigInt.asIntN(bits, whole) : BigInt.asUintN(bits, whole);
  if (fits !== whole) throw new RangeError(`${field.id}: ${value} does not fit ${field.type}`);
  return fromPattern(field, BigInt.asUintN(bits, whole));
}

/**
 * Everything a device would answer, from values by point or field id. Bits of one bitfield are put
 * together; a field or point that is not named is not in the image. Throws RangeError for an unknown id.
 */
export function encodeImage(
  profile: Profile,
  values: ReadonlyMap<string, FieldValue>,
): RegisterImage {
  const image: RegisterImage = { 1: new Map(), 2: new Map(), 3: new Map(), 4: new Map() };
  const lookup: Lookup = (id) => {
    const value = values.get(id);
    return value === undefined || value === null ? undefined : { value };
  };
  for (const [id, value] of values) {
    const point = profile.points.find((candidate) => candidate.id === id);
    const field = point?.field ?? profile.fields.find((candidate) => candidate.id === id);
    if (!field) throw new RangeError(`${profile.id} has no point "${id}"`);
    const table = image[field.fc];
    const words =
      point && typeof value !== "string"
        ? encodePoint(point, value, lookup)
        : encodeField(field, value, lookup);
    words.forEach((word, i) => {
      const address = field.address + i;
      table.set(address, point?.bit === undefined ? word : word | (table.get(address) ?? 0));
    });
  }
  return image;
}

function rawNumber(field: Field, value: number | string, lookup: Lookup): number {
  if (field.type === "days") return daysOf(String(value), field.epoch ?? "2000-01-01");
  if (typeof value === "string") throw new RangeError(`${field.id} is a number, not "${value}"`);
  const scaling = scalingOf(field, lookup);
  if ("reason" in scaling) throw new RangeError(`${field.id} has no scale: ${scaling.reason}`);
  const plain = scaling.convert === "degF->degC" ? (value * 9) / 5 + 32 : value;
  return (plain - scaling.offset) / scaling.scale;
}

/** 1234 is 0x1234. */
function digits(field: Field, raw: number): bigint {
  const text = String(Math.round(raw));
  if (!/^\d+$/.test(text) || text.length > 4 * field.count)
    throw new RangeError(`${field.id}: ${raw} does not fit ${4 * field.count} decimal digits`);
  return BigInt(`0x${text}`);
}

function encodeText(field: Field, text: string): Uint16Array {
  if (text.length > 2 * field.count)
    throw new RangeError(`${field.id} holds ${2 * field.count} characters, "${text}" is longer`);
  const words = new Uint16Array(field.count);
  [...text].forEach((letter, i) => {
    const high = i % 2 === (field.stringOrder === "hi-lo" ? 0 : 1);
    words[i >> 1] = (words[i >> 1] ?? 0) | (letter.charCodeAt(0) << (high ? 8 : 0));
  });
  return words;
}

function nothing(field: Field): bigint {
  const listed = field.na[0]?.raw ?? field.naRange?.[0];
  if (listed !== undefined) return listed;
  if (field.naNegative) return (1n << BigInt(16 * field.count)) - 1n;
  if (field.type === "f32" || field.type === "f64") return floatBits(field, Number.NaN);
  throw new RangeError(`${field.id} has no pattern for "not available"`);
}

function floatBits(field: Field, value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (field.type === "f64") view.setFloat64(0, value);
  else view.setFloat32(4, value);
  return view.getBigUint64(0);
}

/** Splits an unsigned number into registers, in the field's byte order. */
function fromPattern(field: Field, pattern: bigint): Uint16Array {
  const count = Math.max(field.count, 1);
  const plain = Uint16Array.from({ length: count }, (_, i) =>
    Number((pattern >> BigInt(16 * (count - 1 - i))) & 0xffffn),
  );
  // Every byte order is its own opposite, so ordering once more undoes it.
  const wire = patternOf(field, plain);
  return Uint16Array.from({ length: count }, (_, i) =>
    Number((wire >> BigInt(16 * (count - 1 - i))) & 0xffffn),
  );
}
