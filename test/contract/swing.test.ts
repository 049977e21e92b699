import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { judge } from "../../contract/alarm/condition.ts";
import { SwingWindow } from "../../contract/alarm/swing.ts";
import { bad, good, type Measurement, uncertain } from "../../contract/reading.ts";

const MINUTE_MS = 60_000;
const T0 = 1_780_000_020_000;

/** The largest swing seen while one value a minute comes in. */
function largest(windowMin: number, values: readonly number[]): number {
  const window = new SwingWindow(windowMin * MINUTE_MS);
  return Math.max(
    ...values.map((value, minute) => {
      window.add(T0 + minute * MINUTE_MS, value);
      return window.at(T0 + minute * MINUTE_MS).swing ?? 0;
    }),
  );
}

const minutes = (count: number, value: (minute: number) => number) =>
  Array.from({ length: count }, (_, minute) => value(minute));
const stories: [string, number[], in15: number, in60: number][] = [
  ["one step from 20 to 25 °C", minutes(90, (m) => (m < 30 ? 20 : 25)), 5, 5],
  ["a ramp of 0.30 °C a minute for an hour", minutes(61, (m) => 20 + 0.3 * m), 4.5, 18],
  ["a ramp of 0.40 °C a minute for an hour", minutes(61, (m) => 20 + 0.4 * m), 6, 24],
  [
    "a square wave of 19.4 and 24.6 °C every 5 minutes",
    minutes(60, (m) => (Math.floor(m / 5) % 2 === 0 ? 19.4 : 24.6)),
    5.2,
    5.2,
  ],
];

describe("highest minus lowest in 15 and 60 minutes", () => {
  test.each(stories)("%s", (_name, values, in15, in60) => {
    expect(largest(15, values)).toBeCloseTo(in15, 6);
    expect(largest(60, values)).toBeCloseTo(in60, 6);
  });
});

test("a window agrees with a full look back, a sixtieth of its length apart, and keeps 61 slots", () => {
  const steps = fc.array(
    fc.tuple(fc.integer({ min: 1, max: 40_000 }), fc.integer({ min: -50, max: 50 })),
    {
      minLength: 1,
      maxLength: 300,
    },
  );
  fc.assert(
    fc.property(steps, (walk) => {
      const windowMs = 10 * MINUTE_MS;
      const window = new SwingWindow(windowMs);
      const seen: { at: number; value: number }[] = [];
      let at = T0;
      for (const [afterMs, value] of walk) {
        at += afterMs;
        window.add(at, value);
        seen.push({ at, value });
        const within = (ms: number) =>
          seen.filter((sample) => sample.at >= at - ms).map((sample) => sample.value);
        const swing = (values: number[]) => Math.max(...values) - Math.min(...values);
        const found = window.at(at).swing ?? Number.NaN;
        expect(found).toBeGreaterThanOrEqual(swing(within(windowMs)));
        expect(found).toBeLessThanOrEqual(swing(within(windowMs + windowMs / 60)));
      }
    }),
  );
});

test("an hour of nothing empties a window of 15 minutes, and it has to be watched anew", () => {
  const window = new SwingWindow(15 * MINUTE_MS);
  window.add(T0, 20);
  window.add(T0 + 16 * MINUTE_MS, 21);
  expect(window.at(T0 + 16 * MINUTE_MS)).toEqual({ swing: 0, covered: false });
  expect(window.at(T0 + 76 * MINUTE_MS)).toEqual({ swing: null, covered: false });
});

const SWING = { kind: "swing", above: 5, windowMs: 15 * MINUTE_MS } as const;
const CODES = { kind: "digital", equals: [2, 4] } as const;
const FROZEN = { kind: "frozen" } as const;
const findings: [string, Parameters<typeof judge>[0], Measurement, number | null, string][] = [
  ["5.0 in the window is not more than 5", SWING, good(22), 5, "clear"],
  ["5.1 in the window is", SWING, good(22), 5.1, "breach"],
  ["an empty window says nothing", SWING, good(22), null, "unknown"],
  ["a bad reading says nothing", SWING, bad("no-answer"), 9, "unknown"],
  ["code 4 is one of 2 and 4", CODES, good(4), null, "breach"],
  ["code 3 is not", CODES, good(3), null, "clear"],
  ["a frozen value", FROZEN, uncertain(22, "frozen"), null, "breach"],
  [
    "an implausible value says nothing of being frozen",
    FROZEN,
    uncertain(22, "step"),
    null,
    "unknown",
  ],
  ["a value that moves", FROZEN, good(22), null, "clear"],
];
test.each(findings)("%s", (_name, condition, measurement, swing, finding) => {
  const window = { swing, covered: true };
  expect(judge(condition, { measurement, stale: false, window })).toBe(finding);
  expect(judge(condition, { measurement, stale: true, window })).toBe("unknown");
});

test("a window watched for too short a time raises but does not clear", () => {
  const window = { swing: 6, covered: false };
  expect(judge(SWING, { measurement: good(22), stale: false, window })).toBe("breach");
  const calm = { swing: 1, covered: false };
  expect(judge(SWING, { measurement: good(22), stale: false, window: calm })).toBe("unknown");
});
