import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Measurement } from "../../../contract/reading.ts";
import {
  lookPulse,
  NEW_PULSES,
  type PulseState,
  pulseKwh,
  pulsePowerW,
  readPulseMemory,
  STANDSTILL_MS,
  stepPulse,
  writePulseMemory,
} from "../../../edge/doors/pulse.ts";

const DEBOUNCE_MS = 12;
type Edge = [atMs: number, level: 0 | 1];

function play(edges: Edge[], endMs = (edges.at(-1)?.[0] ?? 0) + 1_000): PulseState {
  const state = edges.reduce(
    (before, [atMs, level]) => stepPulse(before, level, atMs, DEBOUNCE_MS),
    NEW_PULSES,
  );
  return stepPulse(state, undefined, endMs, DEBOUNCE_MS);
}

const shown = (m: Measurement) => (m.quality === "bad" ? m.reason : Math.round(m.value));

describe("a pulse", () => {
  test.each<[string, Edge[], number]>([
    [
      "of 30 ms counts",
      [
        [0, 0],
        [1_000, 1],
        [1_030, 0],
      ],
      1,
    ],
    [
      "of 12 ms counts",
      [
        [0, 0],
        [1_000, 1],
        [1_012, 0],
      ],
      1,
    ],
    [
      "of 11 ms is a disturbance",
      [
        [0, 0],
        [1_000, 1],
        [1_011, 0],
      ],
      0,
    ],
    [
      "that bounces counts once",
      [
        [0, 0],
        [1_000, 1],
        [1_002, 0],
        [1_004, 1],
        [1_006, 0],
        [1_008, 1],
        [1_040, 0],
        [1_042, 1],
        [1_044, 0],
      ],
      1,
    ],
    [
      "with a gap of 5 ms in it is one",
      [
        [0, 0],
        [1_000, 1],
        [1_020, 0],
        [1_025, 1],
        [1_045, 0],
      ],
      1,
    ],
    [
      "after a pause of 30 ms is another",
      [
        [0, 0],
        [1_000, 1],
        [1_030, 0],
        [1_060, 1],
        [1_090, 0],
      ],
      2,
    ],
    [
      "that was on at the start is not counted",
      [
        [0, 1],
        [1_000, 0],
        [2_000, 1],
        [2_030, 0],
      ],
      1,
    ],
    [
      "that is still on counts already",
      [
        [0, 0],
        [1_000, 1],
      ],
      1,
    ],
    [
      "told twice counts once",
      [
        [0, 0],
        [1_000, 1],
        [1_015, 1],
        [1_030, 0],
      ],
      1,
    ],
  ])("%s", (_, edges, count) => expect(play(edges).count).toBe(count));

  test("counts once for any bouncing shorter than the debounce time", () => {
    const bounces = fc.array(fc.integer({ min: 1, max: DEBOUNCE_MS - 1 }), { maxLength: 6 });
    fc.assert(
      fc.property(fc.array(fc.tuple(bounces, bounces), { maxLength: 20 }), (pulses) => {
        const edges: Edge[] = [[0, 0]];
        let atMs = 1_000;
        for (const bounce of pulses) {
          for (const [level, gaps] of [
            [1, bounce[0]],
            [0, bounce[1]],
          ] as const) {
            for (const gap of gaps.slice(0, gaps.length - (gaps.length % 2))) {
              edges.push([atMs, edges.at(-1)?.[1] === 1 ? 0 : 1]);
              atMs += gap;
            }
            edges.push([atMs, level]);
            atMs += 40;
          }
        }
        expect(play(edges).count).toBe(pulses.length);
      }),
    );
  });
});

describe("the power of a meter with 1000 pulses per kWh", () => {
  const pulses = (...times: number[]) =>
    lookPulse(
      times.reduce(
        (state, atMs) =>
          lookPulse(
            stepPulse(
              stepPulse(stepPulse(state, 1, atMs, 0), 0, atMs + 30, 0),
              undefined,
              atMs + 60,
              0,
            ),
          ),
        stepPulse(NEW_PULSES, 0, 0, 0),
      ),
    );
  const power = (state: PulseState, nowMs: number) =>
    shown(pulsePowerW(state, { perKwh: 1_000, startedMs: 0, nowMs }));

  test.each<[string, number[], number, number | string]>([
    ["is 3600 W at one pulse a second", [1_000, 2_000], 2_500, 3_600],
    ["is 7200 W at two a second", [1_000, 1_500], 1_600, 7_200],
    ["can only be lower while the next pulse is overdue", [1_000, 2_000], 4_000, 1_800],
    ["is 1200 W three intervals after the last pulse", [1_000, 2_000], 5_000, 1_200],
    ["is 0 after three intervals", [1_000, 2_000], 5_001, 0],
    ["is not known before two pulses", [1_000], 2_000, "not-ready"],
    ["is not known at the start", [], 2_000, "not-ready"],
    ["is 0 when nothing came for a quarter of an hour", [], STANDSTILL_MS, 0],
    ["is 0 when only one came so long ago", [1_000], 1_000 + STANDSTILL_MS, 0],
  ])("%s", (_, times, nowMs, expected) => {
    expect(power(pulses(...times), nowMs)).toBe(expected);
  });

  test("is averaged over all pulses since the last look", () => {
    let state = stepPulse(NEW_PULSES, 0, 0, 0);
    const pulse = (atMs: number) => {
      state = stepPulse(stepPulse(state, 1, atMs, 0), 0, atMs + 30, 0);
    };
    pulse(1_000);
    state = lookPulse(state);
    for (const atMs of [1_107, 1_195, 1_304, 1_400]) pulse(atMs);
    state = lookPulse(state);
    expect(state.intervalMs).toBe(100);
    expect(power(state, 1_450)).toBe(36_000);
  });

  test("is a number or not known, for any edges at any time", () => {
    const edges = fc.array(fc.tuple(fc.nat(5_000), fc.constantFrom<0 | 1>(0, 1)));
    fc.assert(
      fc.property(edges, fc.nat(100_000), (gaps, laterMs) => {
        let atMs = 0;
        let state = NEW_PULSES;
        for (const [gap, level] of gaps) {
          atMs += gap;
          state = lookPulse(stepPulse(state, level, atMs, DEBOUNCE_MS));
        }
        const m = pulsePowerW(state, { perKwh: 1_000, startedMs: 0, nowMs: atMs + laterMs });
        expect(m.quality === "bad" || (m.value >= 0 && Number.isFinite(m.value))).toBe(true);
      }),
    );
  });
});

describe("the energy of a meter", () => {
  test("goes on from what was remembered", () => {
    const kept = writePulseMemory({ count: 2_500, perKwh: 1_000, baseKwh: 12_345.5 });
    const memory = readPulseMemory(kept, { perKwh: 1_000, startKwh: 1 });
    expect(pulseKwh(memory)).toBe(12_348);
    expect(pulseKwh({ ...memory, count: memory.count + 500 })).toBe(12_348.5);
  });

  test("keeps its past when the pulse constant was corrected", () => {
    const kept = writePulseMemory({ count: 2_500, perKwh: 1_000, baseKwh: 0 });
    const memory = readPulseMemory(kept, { perKwh: 500, startKwh: 0 });
    expect(pulseKwh(memory)).toBe(2.5);
    expect(pulseKwh({ ...memory, count: memory.count + 500 })).toBe(3.5);
  });

  test("begins at what the meter's display showed", () => {
    expect(pulseKwh(readPulseMemory(undefined, { perKwh: 1_000, startKwh: 812.3 }))).toBe(812.3);
  });

  test.each(["", "12", "a b c", "-1 1000 0", "1 1000 NaN"])("%j is damaged", (text) => {
    expect(() => readPulseMemory(text, { perKwh: 1_000, startKwh: 0 })).toThrow("three numbers");
  });
});
