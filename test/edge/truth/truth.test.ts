import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bad, good, type Measurement, uncertain } from "../../../contract/reading.ts";
import { judgeStep, type StepState } from "../../../edge/truth/step.ts";
import { judgeTruth, type TruthState, truthRules } from "../../../edge/truth/truth.ts";

const MINUTE = 60_000;
const RULES = truthRules({ quantity: "temperature", coarse: false });
const HUMIDITY = truthRules({ quantity: "humidity", coarse: false });

/** Judges values that came `everyMs` apart and tells what became of the last. */
function lastOf(
  rules: typeof RULES,
  values: (number | Measurement)[],
  everyMs: number,
): Measurement {
  let state: TruthState = {};
  let last: Measurement = bad("not-ready");
  for (const [i, value] of values.entries()) {
    const measurement = typeof value === "number" ? good(value) : value;
    const judged = judgeTruth(state, rules, measurement, i * everyMs);
    state = judged.state;
    last = judged.measurement;
  }
  return last;
}
const times = (count: number, value: number | Measurement) =>
  Array.from({ length: count }, () => value);
const noisy = (count: number) => Array.from({ length: count }, (_, i) => 21 + (i % 2) / 100);

describe("a frozen value", () => {
  test.each([
    ["30 equal values over 14.5 min are a calm room", times(30, 21), 30_000, good(21)],
    ["31 equal values over 15 min are none", times(31, 21), 30_000, uncertain(21, "frozen")],
    ["29 equal values over an hour may be chance", times(29, 21), 2 * MINUTE, good(21)],
    ["900 equal values over half an hour are none", times(900, 21), 2_000, uncertain(21, "frozen")],
    ["one other value ends it", [...times(60, 21), 21.01], 30_000, good(21.01)],
    ["noise in the last bit is life", noisy(100), 30_000, good(21.01)],
    [
      "a failed read between does not clear the doubt",
      [...times(60, 21), bad("checksum"), 21],
      30_000,
      uncertain(21, "frozen"),
    ],
  ])("%s", (_, values, everyMs, judged) => {
    expect(lastOf(RULES, values, everyMs)).toEqual(judged);
  });

  test.each([
    ["a contact", truthRules({ quantity: "flag", coarse: true })],
    ["a sensor with wide steps", truthRules({ quantity: "temperature", coarse: true })],
    ["a voltage", truthRules({ quantity: "voltage", coarse: false })],
  ])("%s may stand still for a day", (_, rules) => {
    expect(lastOf(rules, times(1_440, 1), MINUTE)).toEqual(good(1));
  });
});

describe("a condensed humidity sensor", () => {
  test.each([
    ["29 min at 100 % may be fog", times(30, 100), good(100)],
    ["after 30 min at 100 % it is wet", times(31, 100), uncertain(100, "condensed")],
    ["99.9 % is humid, not wet", [...times(30, 100), 99.9], good(99.9)],
    [
      "drying for a moment starts the time anew",
      [...times(25, 100), 99, ...times(25, 100)],
      good(100),
    ],
  ])("%s", (_, values, judged) => {
    expect(lastOf(HUMIDITY, values, MINUTE)).toEqual(judged);
  });

  test("before that it is not called frozen", () => {
    expect(lastOf(HUMIDITY, times(40, 100), 30_000)).toEqual(good(100));
    expect(lastOf(HUMIDITY, times(40, 55), 30_000)).toEqual(uncertain(55, "frozen"));
  });

  test("a temperature of 100 °C is not wet", () => {
    expect(lastOf({ ...RULES, frozen: false }, times(60, 100), MINUTE)).toEqual(good(100));
  });
});

describe("a step of more than 5 °C", () => {
  const verdicts = (values: number[], everyMs: number) => {
    let state: StepState | undefined;
    return values.map((value, i) => {
      const judged = judgeStep(state, value, i * everyMs);
      state = judged.state;
      return judged.verdict;
    });
  };

  test.each([
    ["the first value is believed", [45], 10_000, ["sound"]],
    ["5 °C are believed", [20, 25], 10_000, ["sound", "sound"]],
    [
      "a step is believed when two more values confirm it",
      [20, 30, 30.2, 30.1],
      10_000,
      ["sound", "held", "held", "sound"],
    ],
    ["a spike is forgotten", [20, 85, 20.1], 10_000, ["sound", "held", "spike"]],
    [
      "a step that goes on is counted anew",
      [20, 30, 40, 40, 40],
      10_000,
      ["sound", "held", "held", "held", "sound"],
    ],
    ["over more than a minute it is no step", [20, 30], 61_000, ["sound", "sound"]],
    [
      "back and forth is never believed",
      [20, 30, 40, 30, 40],
      2_000,
      ["sound", "held", "held", "held", "held"],
    ],
  ] as const)("%s", (_, values, everyMs, judged) => {
    expect(verdicts([...values], everyMs)).toEqual([...judged]);
  });

  test("is shown with doubt, and a spike is told", () => {
    let state: TruthState = {};
    const told = [20, 85, 20].map((value, i) => {
      const judged = judgeTruth(state, RULES, good(value), i * 10_000);
      state = judged.state;
      return [judged.measurement.quality, judged.spike];
    });
    expect(told).toEqual([
      ["good", false],
      ["uncertain", false],
      ["good", true],
    ]);
  });
});

test("no judgement makes a value up: it is what was measured, good or in doubt", () => {
  const samples = fc.array(
    fc.oneof(
      fc.double({ min: -40, max: 125, noNaN: true }).map(good),
      fc.constantFrom(21, 100).map(good),
      fc.constant(bad("no-answer")),
      fc.constant(uncertain(140, "implausible")),
    ),
    { maxLength: 100 },
  );
  fc.assert(
    fc.property(samples, fc.integer({ min: 100, max: 120_000 }), (measurements, everyMs) => {
      let state: TruthState = {};
      for (const [i, measurement] of measurements.entries()) {
        const judged = judgeTruth(state, HUMIDITY, measurement, i * everyMs);
        state = judged.state;
        if (measurement.quality === "good")
          expect(judged.measurement).toMatchObject({ value: measurement.value });
        else expect(judged.measurement).toBe(measurement);
      }
    }),
  );
});
