import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeField, decodeRaw } from "../../../edge/profiles/decode.ts";
import { encodeField } from "../../../edge/profiles/encode.ts";
import {
  type Field,
  type FieldType,
  ORDERS,
  type Order,
  TYPE_REGISTERS,
} from "../../../edge/profiles/schema.ts";
import { modbusVectors, type Vector } from "../vectors.ts";

const PLAIN: Field = {
  id: "field",
  fc: 3,
  address: 0,
  count: 1,
  type: "u16",
  order: "ABCD",
  stringOrder: "hi-lo",
  scale: 1,
  offset: 0,
  na: [],
  naNegative: false,
  class: "normal",
};
const NUMERIC = Object.keys(TYPE_REGISTERS).filter(
  (type) => type !== "bit" && type !== "string",
) as FieldType[];

/** Vectors of one value in plain registers; scale registers, dates and layouts are not fields. */
const oneValue = modbusVectors.filter(
  ({ config }) =>
    config.type &&
    !(
      "epoch" in config ||
      "scaleFactorRegister" in config ||
      "layout" in config ||
      "when" in config
    ),
);

test("most of the Modbus examples are about one value", () => {
  expect(oneValue.length).toBeGreaterThan(70);
});

test.each(oneValue)("vector $id", (vector) => {
  const { config, expected, tolerance } = vector;
  const wire = wireOf(vector);
  const field = fieldOf(vector, wire.length);
  const [want] = Object.values(expected);
  const decoded = decodeField(field, wire);
  if (want === null) return expect(decoded).toHaveProperty("reason");
  if (typeof want === "string" && /^\d+$/.test(want))
    return expect(decodeRaw(field, wire)).toBe(BigInt(want));
  if (Array.isArray(want)) return expect(bitNames(config, decoded)).toEqual(want);
  if (typeof want === "string") return expect(named(config.map as object, decoded)).toEqual(want);
  const value = "value" in decoded ? Number(decoded.value) : Number.NaN;
  expect(Math.abs(value - unitOf(vector) * Number(want))).toBeLessThanOrEqual(Number(tolerance));
});

describe.each(ORDERS)("byte order %s", (order: Order) => {
  test("any registers of any type give a finite number, a text or a reason", () => {
    const registers = fc.uint16Array({ minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(registers, fc.constantFrom(...NUMERIC), (words, type) => {
        const count = TYPE_REGISTERS[type];
        const field = { ...PLAIN, type, count, order, scale: 0.1, naNegative: type === "s16" };
        const decoded = decodeField(field, words.slice(0, count));
        expect("reason" in decoded || Number.isFinite(decoded.value)).toBe(true);
      }),
    );
  });

  test("every number that fits comes back as it went", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 32_767 }), fc.constantFrom(...NUMERIC), (n, type) => {
        const field = { ...PLAIN, type, count: TYPE_REGISTERS[type], order };
        expect(decodeField(field, encodeField(field, n))).toEqual({ value: n });
      }),
    );
  });
});

test("a word-swapped 230.2 V read in the wrong order is not 230.2 V", () => {
  const field: Field = { ...PLAIN, type: "f32", count: 2 };
  const swapped = encodeField({ ...field, order: "CDAB" }, 230.2);
  const wrong = decodeField(field, swapped);
  expect("value" in wrong && Math.abs(Number(wrong.value) - 230.2) < 1).toBe(false);
  expect(decodeField({ ...field, order: "CDAB" }, swapped)).toEqual({ value: 230.2 });
});

test("2301 tenths are 230.1, without the tail of a binary fraction", () => {
  expect(decodeField({ ...PLAIN, scale: 0.1 }, Uint16Array.of(2301))).toEqual({ value: 230.1 });
});

test("a counter above 2^53 is out of range rather than rounded", () => {
  const field: Field = { ...PLAIN, type: "u64", count: 4 };
  expect(decodeField(field, Uint16Array.of(0xffff, 0xffff, 0xffff, 0xfffe))).toEqual({
    reason: "range",
  });
});

test("a short answer is damaged, not zero", () => {
  expect(decodeField({ ...PLAIN, type: "u32", count: 2 }, Uint16Array.of(1))).toEqual({
    reason: "checksum",
  });
});

function wireOf({ input, config }: Vector): Uint16Array | boolean[] {
  const items = input as (string | boolean)[];
  if (config.type === "bit") return items as boolean[];
  return Uint16Array.from(items, (word) => Number.parseInt(String(word), 16));
}

function fieldOf({ config }: Vector, count: number): Field {
  const na = config.na;
  return {
    ...PLAIN,
    count,
    fc: (config.fc as Field["fc"]) ?? 3,
    type: config.type as FieldType,
    order: ({ ABCDEFGH: "ABCD" }[String(config.order)] ?? config.order ?? "ABCD") as Order,
    scale: Number(config.scale ?? 1),
    convert: config.convert ? "degF->degC" : undefined,
    na:
      typeof na === "string" && /^[0-9a-f]+$/.test(na)
        ? [{ raw: BigInt(`0x${na}`), reason: "not-available" }]
        : GENCOMM_NA,
  };
}

/** GenComm's sentinels, which its vectors take for granted; no other vector holds these patterns. */
const GENCOMM_NA = [0xfffbn, 0xfffcn].map((raw) => ({ raw, reason: "not-available" as const }));

const numberOf = (decoded: object) => ("value" in decoded ? Number(decoded.value) : Number.NaN);

function bitNames(config: Record<string, unknown>, decoded: object): string[] {
  const names = Object.entries(config.bits as Record<string, string>);
  return names
    .filter(([bit]) => Math.floor(numberOf(decoded) / 2 ** Number(bit)) % 2 === 1)
    .map(([, name]) => name);
}

const named = (map: object, decoded: object) => Reflect.get(map, String(numberOf(decoded)));

/** The examples give run time in hours; the register counts seconds. */
const unitOf = ({ expected }: Vector) => ("run_hours" in expected ? 3_600 : 1);
