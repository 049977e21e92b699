import fc from "fast-check";
import { expect, test } from "vitest";
import { ID_PATTERN } from "../../../contract/id.ts";
import type { Reading } from "../../../contract/reading.ts";
import { LineWriter } from "../../../hub/history/line-protocol.ts";

const at = 1_767_225_600_000;
const line = (reading: Reading, node = "edge-a") => new LineWriter().text([{ node, reading }]);

test.each<[string, Reading]>([
  [
    "point,node=edge-a,place=a03,point=a03.inlet-top value=23.5,q=0i 1767225600000\n",
    { point: "a03.inlet-top", at, quality: "good", value: 23.5 },
  ],
  [
    "point,node=edge-a,point=rope value=1,q=0i 1767225600000\n",
    { point: "rope", at, quality: "good", value: 1 },
  ],
  [
    'point,node=edge-a,place=ups-a,point=ups-a.load value=900,q=1i,reason="implausible" 1767225600000\n',
    { point: "ups-a.load", at, quality: "uncertain", value: 900, reason: "implausible" },
  ],
  [
    'point,node=edge-a,place=ups-a,point=ups-a.load q=2i,reason="no-answer" 1767225600000\n',
    { point: "ups-a.load", at, quality: "bad", reason: "no-answer" },
  ],
])("writes %s", (expected, reading) => {
  expect(line(reading)).toBe(expected);
});

test("a name that is no id never reaches a line", () => {
  for (const name of [
    "x\nevil value=1",
    "a b",
    "a,b",
    "a=b",
    'a"b',
    "a\\",
    "",
    "ä",
    "x".repeat(65),
  ]) {
    expect(() => line({ point: name, at, quality: "good", value: 1 })).toThrow(RangeError);
    expect(() => line({ point: "a", at, quality: "good", value: 1 }, name)).toThrow(RangeError);
    expect(() => line({ point: "a", at, quality: "bad", reason: name })).toThrow(RangeError);
  }
});

test("whatever ids and numbers come in, each reading gives exactly one line", () => {
  const id = fc.stringMatching(ID_PATTERN);
  const value = fc.double({ noNaN: true, noDefaultInfinity: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(id, id, value), { maxLength: 20 }), (rows) => {
      const text = new LineWriter().text(
        rows.map(([node, point, value]) => ({
          node,
          reading: { point, at, quality: "good", value },
        })),
      );
      expect(text.split("\n")).toHaveLength(rows.length + 1);
    }),
  );
});
