import fc from "fast-check";
import { expect, test } from "vitest";
import { parseProfile } from "../../../edge/profiles/load.ts";
import { planRequests, splitRequest } from "../../../edge/profiles/plan.ts";

function profile(limits: string, points: string[]) {
  const text = `profile: 1
id: test
vendor: Nobody
model: Test
kind: meter
source: { doc: made up for this test, verified: simulated }
link: { unit: 1 }
limits: { ${limits} }
classes: { normal: 10s, fast: 2s }
points:
${points.map((point, i) => `  - { id: p${i}, ${point} }`).join("\n")}
`;
  return parseProfile(text, "test.yaml");
}
const spans = (limits: string, points: string[]) =>
  planRequests(profile(limits, points)).map(({ address, count }) => [address, count]);
const u16 = (...addresses: number[]) => addresses.map((a) => `address: ${a}, type: u16`);

test.each([
  ["joins neighbours", "maxGap: 0", u16(10, 11, 12), [[10, 3]]],
  ["bridges a gap it may read along", "maxGap: 2", u16(10, 13), [[10, 4]]],
  [
    "does not bridge a wider gap",
    "maxGap: 2",
    u16(10, 14),
    [
      [10, 1],
      [14, 1],
    ],
  ],
  [
    "never reads more than maxRegisters",
    "maxRegisters: 3",
    u16(1, 2, 3, 4),
    [
      [1, 3],
      [4, 1],
    ],
  ],
  [
    "does not cut a value at the limit",
    "maxRegisters: 3",
    ["address: 0, type: u32", "address: 2, type: u32"],
    [
      [0, 2],
      [2, 2],
    ],
  ],
  [
    "goes round an illegal range",
    "maxGap: 9, illegal: [[12, 12]]",
    u16(11, 13),
    [
      [11, 1],
      [13, 1],
    ],
  ],
  [
    "reads one by one where it must",
    "onePerRequest: true",
    u16(1, 2),
    [
      [1, 1],
      [2, 1],
    ],
  ],
  [
    "keeps classes and function codes apart",
    "maxGap: 9",
    ["address: 1, type: u16", "address: 2, type: u16, class: fast", "address: 3, type: u16, fc: 4"],
    [
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  ],
  [
    "keeps an atomic group in one request, however wide its gaps",
    "maxGap: 0",
    ["address: 0, type: u16, atomic: x", "address: 18, type: u16, atomic: x"],
    [[0, 19]],
  ],
] as const)("%s", (_, limits, points, plan) => {
  expect(spans(limits, [...points])).toEqual(plan);
});

test("a refused request falls into halves that lose nothing and cut nothing", () => {
  const [request] = planRequests(
    profile("maxGap: 9", [
      "address: 0, type: u32",
      "address: 2, type: u16",
      "address: 3, type: f32",
    ]),
  );
  if (!request) throw new Error("no request");
  const halves = splitRequest(request);
  expect(halves?.map(({ address, count }) => [address, count])).toEqual([
    [0, 3],
    [3, 2],
  ]);
  const second = halves?.[1];
  if (second) expect(splitRequest(second)).toBeUndefined();
});

test("whatever the points, every value is read once and within the limits", () => {
  const points = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(
      points,
      fc.integer({ min: 4, max: 125 }),
      fc.integer({ min: 0, max: 20 }),
      (at, max, gap) => {
        const lines = at.map((a, i) => `address: ${a * 4}, type: ${["u16", "u32", "f64"][i % 3]}`);
        const made = profile(`maxRegisters: ${max}, maxGap: ${gap}`, lines);
        const plan = planRequests(made);
        const read = plan.flatMap(({ fields }) => fields.map(({ id }) => id)).sort();
        expect(read).toEqual(made.fields.map(({ id }) => id).sort());
        for (const { address, count, fields } of plan) {
          expect(count).toBeLessThanOrEqual(max);
          for (const field of fields) {
            expect(field.address).toBeGreaterThanOrEqual(address);
            expect(field.address + field.count).toBeLessThanOrEqual(address + count);
          }
        }
      },
    ),
  );
});
