import fc from "fast-check";
import { expect, test } from "vitest";
import {
  autoOffAtMs,
  isFaulty,
  isOn,
  MAX_CAUSES,
  NEW_OUTPUT,
  type OutputInput,
  type OutputRule,
  stepOutput,
} from "../../../edge/outputs/output.ts";

const SIREN: OutputRule = { safe: "off", autoOffMs: 600_000 };
const BEACON: OutputRule = { safe: "off" };
const HEALTHY: OutputRule = { safe: "on" };

const demand = (cause: string): OutputInput => ({ is: "demand", cause });
const release = (cause: string): OutputInput => ({ is: "release", cause });
const govern: OutputInput = { is: "govern" };
const tick = undefined;

type Scene = [atMs: number, input: OutputInput | undefined, on: boolean];

test.each<[string, OutputRule, Scene[]]>([
  [
    "a siren is off until something wants it",
    SIREN,
    [
      [0, tick, false],
      [0, govern, false],
      [9, demand("a"), true],
    ],
  ],
  [
    "a siren goes off after 10 min though its cause stays",
    SIREN,
    [
      [0, demand("a"), true],
      [599_999, tick, true],
      [600_000, tick, false],
    ],
  ],
  [
    "the same cause again does not sound it again",
    SIREN,
    [
      [0, demand("a"), true],
      [500_000, demand("a"), true],
      [600_000, tick, false],
      [700_000, demand("a"), false],
    ],
  ],
  [
    "a new cause sounds it again",
    SIREN,
    [
      [0, demand("a"), true],
      [600_000, tick, false],
      [650_000, demand("b"), true],
      [1_250_000, tick, false],
    ],
  ],
  [
    "a cause that went and came back sounds it again",
    SIREN,
    [
      [0, demand("a"), true],
      [600_000, release("a"), false],
      [700_000, demand("a"), true],
    ],
  ],
  [
    "one of two causes keeps it on",
    SIREN,
    [
      [0, demand("a"), true],
      [1, demand("b"), true],
      [2, release("a"), true],
      [3, release("b"), false],
    ],
  ],
  [
    "a beacon stays on as long as its cause",
    BEACON,
    [
      [0, demand("a"), true],
      [86_400_000, tick, true],
      [86_400_001, release("a"), false],
    ],
  ],
  [
    "a fail-safe relay is on until the first judgement",
    HEALTHY,
    [
      [0, tick, true],
      [60_000, tick, true],
      [60_001, govern, false],
      [60_002, demand("ok"), true],
    ],
  ],
  [
    "after the stop it is as safe says",
    HEALTHY,
    [
      [0, govern, false],
      [1, { is: "stop" }, true],
    ],
  ],
  [
    "after the stop a siren is off",
    SIREN,
    [
      [0, demand("a"), true],
      [1, { is: "stop" }, false],
    ],
  ],
  [
    "releasing what nobody wanted changes nothing",
    SIREN,
    [
      [0, demand("a"), true],
      [1, release("b"), true],
    ],
  ],
])("%s", (_, rule, scenes) => {
  let state = NEW_OUTPUT;
  for (const [atMs, input, on] of scenes) {
    if (input) state = stepOutput(state, input, atMs);
    expect([atMs, isOn(state, atMs, rule)]).toEqual([atMs, on]);
  }
});

test("a line that reads back wrong twice is at fault, and sound when it follows again", () => {
  const read = (matches: boolean): OutputInput => ({ is: "read-back", matches });
  let state = stepOutput(NEW_OUTPUT, read(false), 0);
  expect(isFaulty(state)).toBe(false);
  state = stepOutput(state, read(false), 0);
  expect(isFaulty(state)).toBe(true);
  expect(isFaulty(stepOutput(state, read(true), 0))).toBe(false);
});

test("of too many causes the oldest goes", () => {
  let state = NEW_OUTPUT;
  for (let cause = 0; cause <= MAX_CAUSES; cause += 1)
    state = stepOutput(state, demand(`alarm-${cause}`), cause);
  expect(state.causes.size).toBe(MAX_CAUSES);
  expect(state.causes.has("alarm-0")).toBe(false);
  expect(state.causes.has(`alarm-${MAX_CAUSES}`)).toBe(true);
});

test("the time of the auto-off is when it goes off, whatever happened before", () => {
  const input = fc.oneof(
    fc.constantFrom("a", "b", "c").map(demand),
    fc.constantFrom("a", "b", "c").map(release),
    fc.constant(govern),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(input, fc.nat(400_000))), (inputs) => {
      let nowMs = 0;
      let state = NEW_OUTPUT;
      for (const [each, laterMs] of inputs) {
        nowMs += laterMs;
        state = stepOutput(state, each, nowMs);
      }
      const offMs = autoOffAtMs(state, nowMs, SIREN);
      expect(offMs !== undefined).toBe(isOn(state, nowMs, SIREN));
      if (offMs === undefined) return;
      expect(isOn(state, offMs - 1, SIREN)).toBe(true);
      expect(isOn(state, offMs, SIREN)).toBe(false);
    }),
  );
});
