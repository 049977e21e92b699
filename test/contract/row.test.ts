import fc from "fast-check";
import { expect, test } from "vitest";
import { globMatcher, placeOf, roleOf } from "../../contract/id.ts";
import type { Reading } from "../../contract/reading.ts";
import { encodeReading, parseRow } from "../../contract/row.ts";
import { parseNodeTopic } from "../../contract/topic.ts";

const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,63}$/);
const at = fc.integer({ min: 0, max: 8.64e15 });
const value = fc.double({ noNaN: true, noDefaultInfinity: true });
const reason = fc.stringMatching(/^[a-z][a-z0-9-]{0,31}$/);
const reading: fc.Arbitrary<Reading> = fc.oneof(
  fc.record({ point: id, at, quality: fc.constant("good" as const), value }),
  fc.record({ point: id, at, quality: fc.constant("uncertain" as const), value, reason }),
  fc.record({ point: id, at, quality: fc.constant("bad" as const), reason }),
);

test("every reading survives the wire", () => {
  fc.assert(
    fc.property(reading, (sent) => {
      const received = parseRow(JSON.parse(JSON.stringify(encodeReading(sent))));
      // JSON has no negative zero; a thermometer has none either.
      const expected = "value" in sent && Object.is(sent.value, -0) ? { ...sent, value: 0 } : sent;
      expect(received).toEqual({ kind: "reading", reading: expected });
    }),
  );
});

test("whatever a stranger sends is a row or a refusal with a reason, never a throw", () => {
  fc.assert(
    fc.property(fc.anything(), (sent) => {
      const row = parseRow(sent);
      if (row.kind === "refused") expect(row.why).not.toBe("");
      if (row.kind === "reading" && row.reading.quality !== "bad")
        expect(Number.isFinite(row.reading.value)).toBe(true);
    }),
    { numRuns: 2_000 },
  );
});

test.each([
  ["a point name with a new line", ["a01.inlet\nevil", 1, 20]],
  ["a point name of 65 characters", ["a".repeat(65), 1, 20]],
  ["text for a value", ["a01.inlet-top", 1, "20"]],
  ["no value and no reason", ["a01.inlet-top", 1, null]],
  ["a negative time", ["a01.inlet-top", -1, 20]],
  ["a time in nanoseconds", ["a01.inlet-top", 1_790_000_000_000_000_000, 20]],
  ["a fraction of a millisecond", ["a01.inlet-top", 1.5, 20]],
  ["a fifth field", ["a01.inlet-top", 1, 20, "frozen", 1]],
  ["a skip of nothing", { skip: 0 }],
  ["an event of an unknown type", { event: { type: "fire", at: 1 } }],
  ["a prototype", JSON.parse('{"__proto__":{"event":1}}')],
])("refuses %s", (_name, row) => {
  expect(parseRow(row).kind).toBe("refused");
});

test("the topic names node and lane, and nothing else passes", () => {
  expect(parseNodeTopic("plenum/v1/edge-hall/data")).toEqual({ node: "edge-hall", lane: "data" });
  for (const topic of [
    "plenum/v1/hub/status",
    "plenum/v1/x/ack",
    "plenum/v1/X/data",
    "plenum/v1/a/b/data",
  ])
    expect(parseNodeTopic(topic)).toBeUndefined();
});

test("a point's name holds its place and its role", () => {
  expect([placeOf("a03.inlet-top"), roleOf("a03.inlet-top")]).toEqual(["a03", "inlet-top"]);
  expect(globMatcher("*.inlet-*")("a03.inlet-top")).toBe(true);
  expect(globMatcher("*.inlet-*")("a03xinlet-top")).toBe(false);
});
