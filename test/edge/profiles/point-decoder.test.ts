import fc from "fast-check";
import { expect, test } from "vitest";
import { decodePoint, pointDecoder } from "../../../edge/profiles/decode.ts";
import { PROFILE_IDS } from "../../../edge/profiles/index.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import type { Lookup } from "../../../edge/profiles/scaling.ts";
import type { ProfilePoint } from "../../../edge/profiles/schema.ts";

const REGISTERS = new Set([3, 4]);
const known: Lookup = () => ({ value: 1 });

/** Every point of every profile, and what the plain ones would be with other byte orders, scales and types. */
const points = PROFILE_IDS.flatMap((id) => loadProfile(id).points).filter(({ field }) =>
  REGISTERS.has(field.fc),
);
const varied = fc
  .record({
    point: fc.constantFrom(...points),
    order: fc.constantFrom("ABCD" as const, "CDAB" as const, "BADC" as const, "DCBA" as const),
    type: fc.constantFrom("u16", "s16", "u32", "s32", "f32", "bcd", "as-is"),
    scale: fc.constantFrom(1, 0.1, 10, 0.001, 1e300),
    offset: fc.constantFrom(0, 0, -40),
  })
  .map(({ point, type, ...rest }): ProfilePoint => {
    if (type === "as-is") return point;
    const count = type === "u16" || type === "s16" ? 1 : 2;
    return { ...point, field: { ...point.field, ...rest, type, count } as ProfilePoint["field"] };
  });

test("a decoder made once gives what decoding gives, for all points, registers and short answers", () => {
  fc.assert(
    fc.property(varied, fc.uint16Array({ maxLength: 12 }), (point, words) => {
      expect(pointDecoder(point)(words, known)).toEqual(decodePoint(point, words, known));
    }),
    { numRuns: 5_000 },
  );
});
