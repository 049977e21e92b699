import { expect, test } from "vitest";
import { loadProfile, ProfileError, parseProfile } from "../../../edge/profiles/load.ts";

const HEAD = `profile: 1
id: test
vendor: Nobody
model: Test
kind: meter
source: { doc: made up for this test, verified: simulated }
link: { unit: 1 }
limits: { maxRegisters: 10, illegal: [[500, 510]] }
classes: { normal: 10s, fast: 2s }
`;

const problemsOf = (text: string): string[] => {
  try {
    parseProfile(text, "test.yaml");
    return [];
  } catch (error) {
    if (error instanceof ProfileError) return error.problems;
    throw error;
  }
};
const withPoints = (...points: string[]) =>
  `${HEAD}points:\n${points.map((point) => `  - { ${point} }\n`).join("")}`;

const POWER = "id: power, address: 0, type: u16, quantity: power, label: Power";

test("a sound profile has no problems", () => {
  expect(problemsOf(withPoints(POWER))).toEqual([]);
});

test("several mistakes are told at once, each with line and column", () => {
  const text = withPoints(POWER, "id: power, address: 1, type: u32, quantity: power");
  expect(problemsOf(text)).toEqual([
    'test.yaml:12:11 points[1].id: "power" is used twice; each point has its own id',
    "test.yaml:12:5 points[1]: a published point needs a label",
  ]);
});

test("a profile of the wrong shape names every wrong field", () => {
  const problems = problemsOf(
    `${HEAD.replace("kind: meter", "kind: toaster")}points: []\nbaud: 9600\n`,
  );
  expect(problems.length).toBe(3);
  expect(problems[0]).toMatch(/^test\.yaml:5:7 kind: /);
});

test("text that is no YAML is a problem with its place", () => {
  expect(problemsOf("a: [1\nb: 2")[0]).toMatch(/^test\.yaml:\d+:\d+ /);
});

test.each([
  ["an unknown quantity", "id: a, address: 1, type: u16, quantity: watts, label: A", "quantity"],
  ["registers that overlap", "id: a, address: 0, type: u32", 'overlaps "power"'],
  ["an illegal range", "id: a, address: 499, type: u32", "illegal range 500–510"],
  ["no address at all", "id: a, type: u16", "exactly one of address, bit, equals"],
  ["no type", "id: a, address: 1", "needs a type"],
  ["an address beyond the last", "id: a, address: 65535, type: u32", "outside 0–65535"],
  ["an unknown class", "id: a, address: 1, type: u16, class: hourly", 'class "hourly"'],
  ["a pattern wider than its type", "id: a, address: 1, type: u16, na: [0x10000]", "16 bits"],
  [
    "a bit of what is no bitfield",
    "id: a, bit: { of: power, bit: 1 }, quantity: flag, label: A",
    "not a bitfield",
  ],
  [
    "a bit of nothing",
    "id: a, bit: { of: none, bit: 1 }, quantity: flag, label: A",
    '"none" is not',
  ],
  ["an enum without words", "id: a, address: 1, type: enum, quantity: state, label: A", "states"],
  [
    "a string as a number",
    "id: a, address: 1, type: string, registers: 4, quantity: load, label: A",
    "string",
  ],
  [
    "more registers than one read brings",
    "id: a, address: 1, type: string, registers: 20",
    "maxRegisters is 10",
  ],
  ["a coil read as a register", "id: a, address: 1, type: bit", "fc 1 or 2"],
  ["limits the wrong way round", "id: a, address: 1, type: u16, min: 5, max: 5", "not below"],
  ["naNegative of an unsigned type", "id: a, address: 1, type: u16, naNegative: true", "signed"],
  [
    "a class that is never polled",
    "id: a, address: 1, type: u16, quantity: load, label: A, class: once",
    "unpublished",
  ],
  [
    "a scale on a bit",
    "id: a, bit: { of: power, bit: 1 }, scale: 2, quantity: flag, label: A",
    'belongs to "power"',
  ],
  [
    "a scale from nothing",
    "id: a, address: 1, type: u16, scaleFrom: none",
    '"none" is not a point with an address',
  ],
  [
    "a scale from a float",
    "id: a, address: 1, type: u16, scaleFrom: real",
    '"real" is f32, not a whole number',
  ],
  ["a scale from itself", "id: a, address: 1, type: u16, scaleFrom: a", "cannot depend on itself"],
  [
    "a condition on a point that has one itself",
    "id: a, address: 1, type: u16, when: { of: leaning, any: [1] }",
    '"leaning" depends on another point',
  ],
  [
    "a condition in another unit",
    "id: a, address: 1, type: u16, unitOffset: 1, when: { of: power, any: [1] }",
    '"power" stands in another unit',
  ],
  [
    "a variant of a text",
    "id: a, address: 1, type: string, registers: 2, variants: [{ when: { of: power, any: [0] }, scale: 2 }]",
    "string has no scale",
  ],
  ["an enum with a scale", "id: a, address: 1, type: enum, scale: 2", "enum has no scale"],
  ["decimals without a length", "id: a, address: 1, type: bcd", "bcd needs registers"],
  [
    "more decimals than a number holds",
    "id: a, address: 1, type: bcd, registers: 4",
    "at most 3 registers",
  ],
  ["days without a first day", "id: a, address: 1, type: days", "days need an epoch"],
  [
    "a first day that never was",
    "id: a, address: 1, type: days, epoch: 2000-13-01",
    "is no day of any year",
  ],
  [
    "a date as a number",
    "id: a, address: 1, type: datetime, quantity: count, label: A",
    "cannot be published",
  ],
  [
    "two places for one point",
    "id: a, address: 1, type: u16, unit: 254, unitOffset: 1",
    "not both",
  ],
  ["a number in the name of one point", 'id: "a-{n}", address: 1, type: u16', "{n} needs repeat"],
  [
    "an input with another quantity than flag",
    "id: a, address: 1, fc: 2, type: bit, quantity: load, label: A",
    "a coil or input has quantity flag",
  ],
])("%s is refused", (_, point, message) => {
  const others = [
    "id: real, address: 20, type: f32",
    "id: leaning, address: 30, type: u16, scaleFrom: power",
  ];
  expect(problemsOf(withPoints(POWER, point, ...others)).join("\n")).toContain(message);
});

test("an atomic group that one read cannot bring is refused", () => {
  const group = [0, 20].map((at) => `id: b${at}, address: ${at}, type: bitfield16, atomic: state`);
  expect(problemsOf(withPoints(...group))[0]).toContain('group "state" spans 21 registers');
});

test("an identity that is no text of the profile is refused", () => {
  const text = `${withPoints(POWER)}identify: [{ point: power, matches: "(" }]\n`;
  expect(problemsOf(text)).toHaveLength(2);
});

test("addresses of one-based and Modicon documents become wire addresses", () => {
  const oneBased = parseProfile(
    withPoints("id: a, address: 3028, type: f32").replace(
      "classes:",
      "addressing: one-based\nclasses:",
    ),
    "a.yaml",
  );
  expect(oneBased.fields[0]).toMatchObject({ address: 3027, fc: 3 });
  const modicon = parseProfile(
    withPoints("id: a, address: 30051, type: u16", "id: b, address: 40001, type: u16").replace(
      "classes:",
      "addressing: modicon\nclasses:",
    ),
    "b.yaml",
  );
  expect(modicon.fields.map(({ fc, address }) => [fc, address])).toEqual([
    [4, 50],
    [3, 0],
  ]);
});

test("a repeated point becomes one point for each number, a step apart", () => {
  const point = 'id: "current-{n}", address: 40001, type: f32, quantity: current';
  const text = withPoints(
    `${point}, label: "Circuit {n}", repeat: { from: 5, to: 7, step: 4 }`,
  ).replace("classes:", "addressing: modicon\nclasses:");
  const { points } = parseProfile(text, "r.yaml");
  expect(points.map(({ id, label, field }) => [id, label, field.address])).toEqual([
    ["current-5", "Circuit 5", 0],
    ["current-6", "Circuit 6", 4],
    ["current-7", "Circuit 7", 8],
  ]);
});

test("a mistake in a repeated point is told once, where it was written", () => {
  const text = withPoints(
    POWER,
    'id: "c-{n}", address: 0, type: u16, repeat: { from: 1, to: 40, step: 1 }, scaleFrom: none',
  );
  const problems = problemsOf(text);
  expect(problems.filter((problem) => problem.includes("none"))).toEqual([
    'test.yaml:12:92 points[1].scaleFrom: "none" is not a point with an address',
  ]);
});

test("registers at the same address in two units do not overlap", () => {
  expect(
    problemsOf(
      withPoints(
        POWER,
        "id: next, address: 0, type: u16, unitOffset: 1",
        "id: probe, address: 0, type: u16, unit: 254",
      ),
    ),
  ).toEqual([]);
});

test("a profile nobody wrote is refused with the list of those there are", () => {
  expect(() => loadProfile("../../etc/passwd")).toThrow(/known are .*eastron-sdm630/);
});
