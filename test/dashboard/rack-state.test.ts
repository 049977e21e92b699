import { expect, test } from "vitest";
import type { Showing } from "../../dashboard/staleness.ts";
import {
  coolingState,
  deltaT,
  type Running,
  redundancy,
} from "../../dashboard/wall/cooling-state.ts";
import { rackSentence, rackState } from "../../dashboard/wall/rack-state.ts";

const BAND = { minC: 18, maxC: 27, lowC: 15, highC: 32 };
const now = (value: number): Showing => ({ kind: "value", value, ageMs: 1_000, doubt: null });
const old = (value: number): Showing => ({ kind: "stale", value, ageMs: 250_000 });
const bad: Showing = { kind: "bad", reason: "no-answer", ageMs: 250_000 };
const never: Showing = { kind: "never" };
const rack = (top: Showing, middle: Showing, bottom: Showing) => [
  { id: "a03.inlet-top", shown: top },
  { id: "a03.inlet-mid", shown: middle },
  { id: "a03.inlet-bottom", shown: bottom },
];

test("a rack with three readings shows the hottest", () => {
  expect(rackState(rack(now(27.1), now(24), now(19)), BAND)).toMatchObject({
    kind: "known",
    hottest: { text: "28", step: "w1" },
    strip: ["w1", "n3", "n1"],
  });
});

test("one unplugged sensor makes the tile say so, with what the others measure beside it", () => {
  expect(rackState(rack(bad, now(24), now(19)), BAND)).toEqual({
    kind: "missing",
    which: "top",
    age: "4 min",
    rest: { text: "24", step: "n3" },
    strip: [null, "n3", "n1"],
  });
});

test("three bad sensors leave no number at all", () => {
  const state = rackState(rack(bad, bad, bad), BAND);
  expect(state).toMatchObject({ kind: "missing", which: "", rest: null });
  expect(JSON.stringify(state)).not.toMatch(/"text"/);
});

test("three silent sensors show the last value only as old", () => {
  expect(rackState(rack(old(23.4), old(22), old(20)), BAND)).toEqual({
    kind: "stale",
    last: "23",
    age: "4 min",
  });
});

test("an old value beside a bad one is not shown: nobody knows which was hotter", () => {
  expect(rackState(rack(old(31), bad, bad), BAND)).toMatchObject({ kind: "missing", rest: null });
});

test("a rack that never reported, or has no sensor, shows nothing", () => {
  expect(rackState(rack(never, never, never), BAND)).toEqual({ kind: "none" });
  expect(rackState([], BAND)).toEqual({ kind: "none" });
});

test("the tile in words names every height", () => {
  expect(rackSentence("A03", rack(bad, now(24), never), BAND)).toBe(
    "Rack A03: top no reading for 4 min, middle 24.0 °C, bottom no reading yet",
  );
});

test("ΔT is return minus supply, and unknown unless both are measured now", () => {
  expect(deltaT(now(18.1), now(29))).toBeCloseTo(10.9);
  expect(deltaT(old(18.1), now(29))).toBeNull();
  expect(deltaT(now(18.1), bad)).toBeNull();
});

test("a cooling unit is stopped only when it says so", () => {
  const air = { supply: now(18), back: now(29) };
  expect(coolingState({ running: now(1), ...air }).running).toBe("running");
  expect(coolingState({ running: now(0), ...air }).running).toBe("stopped");
  expect(coolingState({ running: old(1), ...air })).toMatchObject({
    running: "unknown",
    age: "4 min",
  });
  expect(coolingState({ running: never, ...air }).running).toBe("unknown");
});

test.each<[Running[], string]>([
  [["running", "running", "running"], "N+1 kept"],
  [["running", "stopped", "running"], "no redundancy"],
  [["running", "stopped", "stopped"], "2 stopped"],
  [["stopped", "stopped"], "all stopped"],
  [["running", "unknown", "running"], "1 silent"],
  [["running", "unknown", "stopped"], "1 stopped"],
  [["running"], "no spare unit"],
  [[], ""],
])("cooling units %j: %s", (states, text) => {
  expect(redundancy(states)).toBe(text);
});
