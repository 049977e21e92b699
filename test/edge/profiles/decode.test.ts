import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeField } from "../../../edge/profiles/decode.ts";
import { encodeField } from "../../../edge/profiles/encode.ts";
import {
  type Field,
  type FieldType,
  isText,
  ORDERS,
  type Order,
  TYPE_REGISTERS,
} from "../../../edge/profiles/schema.ts";
import { PLAIN } from "./field.ts";

const NUMERIC = (Object.keys(TYPE_REGISTERS) as FieldType[]).filter(
  (type) => TYPE_REGISTERS[type] > 0 && !isText(type),
);

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

describe("binary-coded decimals", () => {
  const bcd = (count: number): Field => ({ ...PLAIN, type: "bcd", count });

  test("0x0012 0x3456 are 123456, and in swapped words the same", () => {
    expect(decodeField(bcd(2), Uint16Array.of(0x0012, 0x3456))).toEqual({ value: 123_456 });
    const swapped: Field = { ...bcd(2), order: "CDAB" };
    expect(decodeField(swapped, Uint16Array.of(0x3456, 0x0012))).toEqual({ value: 123_456 });
  });

  test("a digit above 9 is no number", () => {
    expect(decodeField(bcd(1), Uint16Array.of(0x12a4))).toEqual({ reason: "range" });
  });

  test("any number of twelve digits comes back as it went", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 999_999_999_999 }), (n) => {
        expect(decodeField(bcd(3), encodeField(bcd(3), n))).toEqual({ value: n });
      }),
    );
    expect(() => encodeField(bcd(1), 10_000)).toThrow(RangeError);
  });
});

describe("dates", () => {
  const day: Field = { ...PLAIN, type: "days", epoch: "2000-01-01" };
  const clock: Field = { ...PLAIN, type: "datetime", count: 3 };

  test("8766 days after 2000-01-01 is 2024-01-01", () => {
    expect(decodeField(day, Uint16Array.of(8_766))).toEqual({ value: "2024-01-01" });
    expect([...encodeField(day, "2024-01-01")]).toEqual([8_766]);
  });

  test("the bytes 07 05 11 0A 2D 14 are 17 May 2007, 10:45:20", () => {
    const words = Uint16Array.of(0x0705, 0x110a, 0x2d14);
    expect(decodeField(clock, words)).toEqual({ value: "2007-05-17 10:45:20" });
    expect(encodeField(clock, "2007-05-17 10:45:20")).toEqual(words);
  });

  test("the 31st of February is no date", () => {
    expect(decodeField(clock, Uint16Array.of(0x0702, 0x1f0a, 0x2d14))).toEqual({
      reason: "unsupported",
    });
  });

  test("any three registers give a text or a reason", () => {
    const registers = fc.uint16Array({ minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(registers, (words) => {
        const decoded = decodeField(clock, words);
        expect(
          "reason" in decoded || /^2\d{3}-\d\d-\d\d \d\d:\d\d:\d\d$/.test(`${decoded.value}`),
        ).toBe(true);
      }),
    );
  });
});

describe("a value that leans on another", () => {
  const scaled: Field = { ...PLAIN, type: "s16", scaleFrom: "scale" };
  const length: Field = {
    ...PLAIN,
    variants: [
      { when: { of: "unit", any: [0] }, scale: 0.1 },
      { when: { of: "unit", any: [1] }, scale: 0.3048 },
    ],
  };
  const raw = Uint16Array.of(2302);

  test.each([
    ["the power of ten in its scale register", scaled, { value: -1 }, { value: 230.2 }],
    ["a scale that has not been read", scaled, undefined, { reason: "not-ready" }],
    [
      "a scale that the device does not have",
      scaled,
      { reason: "unsupported" },
      { reason: "unsupported" },
    ],
    ["a power of ten that no device means", scaled, { value: 100 }, { reason: "range" }],
    ["decimetres", length, { value: 0 }, { value: 230.2 }],
    ["feet", length, { value: 1 }, { value: 701.6496 }],
    ["a unit that nobody knows", length, { value: 2 }, { reason: "unsupported" }],
    [
      "a condition that holds",
      { ...PLAIN, when: { of: "model", any: [7] } },
      { value: 7 },
      { value: 2302 },
    ],
    [
      "one that does not",
      { ...PLAIN, when: { of: "model", any: [7] } },
      { value: 8 },
      { reason: "unsupported" },
    ],
  ] as const)("%s", (_, field, known, expected) => {
    expect(decodeField(field as Field, raw, () => known)).toEqual(expected);
  });
});

test("a text keeps its letters in either byte order", () => {
  const words = Uint16Array.of(0x6853, 0x6e63);
  expect(decodeField({ ...PLAIN, type: "string", count: 2, stringOrder: "lo-hi" }, words)).toEqual({
    value: "Shcn",
  });
  expect(decodeField({ ...PLAIN, type: "string", count: 2 }, words)).toEqual({ value: "hSnc" });
});
