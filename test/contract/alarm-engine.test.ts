import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Finding, judge } from "../../contract/alarm/condition.ts";
import {
  type AlarmState,
  annunciates,
  type Command,
  command,
  INITIAL_STATE,
  step,
  tick,
} from "../../contract/alarm/engine.ts";
import type { AlarmRule, Condition } from "../../contract/alarm/rule.ts";
import { afterRestart } from "../../contract/alarm/timers.ts";
import { stateName } from "../../contract/api.ts";
import { bad, good, uncertain } from "../../contract/reading.ts";

const HIGH: Condition = { kind: "limit", above: 27, deadband: 0.5 };
const RULE: AlarmRule = {
  id: "inlet-high",
  priority: 2,
  condition: HIGH,
  onDelayMs: 60_000,
  offDelayMs: 60_000,
  latch: false,
};

type Beat = [seconds: number, what: Finding | "tick" | Command["do"], expected: string];
const operator = (what: Command["do"], now: number): Command =>
  what === "shelve"
    ? { do: what, by: "kn", reason: "filter change", until: now + 600_000 }
    : what === "out-of-service"
      ? { do: what, by: "kn", reason: "rebuild" }
      : { do: what, by: "kn" };

function play(beats: Beat[], rule: AlarmRule = RULE): AlarmState {
  let state = INITIAL_STATE;
  for (const [seconds, what, expected] of beats) {
    const now = seconds * 1_000;
    if (what === "tick") state = tick(state, now, rule).state;
    else if (what === "breach" || what === "clear" || what === "hold" || what === "unknown")
      state = step(state, what, now, rule).state;
    else state = command(state, operator(what, now), now).state;
    const name = state.phase.name === "pending" ? "pending" : stateName(state);
    expect(name, `after ${what} at ${seconds} s`).toBe(expected);
  }
  return state;
}

const STORIES: [string, Beat[], Partial<AlarmRule>?][] = [
  [
    "raises after 60 s of breach",
    [
      [0, "breach", "pending"],
      [59, "breach", "pending"],
      [60, "tick", "active"],
    ],
  ],
  [
    "raises by the timer alone when no new reading comes",
    [
      [0, "breach", "pending"],
      [61, "tick", "active"],
    ],
  ],
  [
    "forgets a breach shorter than the on-delay",
    [
      [0, "breach", "pending"],
      [30, "hold", "normal"],
      [90, "tick", "normal"],
    ],
  ],
  ["raises at once without an on-delay", [[0, "breach", "active"]], { onDelayMs: 0 }],
  [
    "does not raise on a lost sensor while pending",
    [
      [0, "breach", "pending"],
      [20, "unknown", "pending"],
      [90, "tick", "pending"],
    ],
  ],
  [
    "clears only after 60 s of clear, then waits for its acknowledgement",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [70, "clear", "active"],
      [129, "clear", "active"],
      [130, "tick", "returned"],
      [140, "acknowledge", "normal"],
    ],
  ],
  [
    "restarts the off-delay inside the deadband",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [70, "clear", "active"],
      [80, "hold", "active"],
      [90, "clear", "active"],
      [140, "clear", "active"],
      [150, "clear", "returned"],
    ],
  ],
  [
    "never clears on a lost sensor",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [70, "unknown", "active"],
      [9_000, "tick", "active"],
    ],
  ],
  [
    "ends by itself when acknowledged before it clears",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [65, "acknowledge", "acknowledged"],
      [70, "clear", "acknowledged"],
      [130, "clear", "normal"],
    ],
  ],
  [
    "is one new occurrence when it comes back before its acknowledgement",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [70, "clear", "active"],
      [130, "clear", "returned"],
      [140, "breach", "returned"],
      [200, "tick", "active"],
    ],
  ],
  [
    "keeps a breach running across the acknowledgement of the one before",
    [
      [0, "breach", "pending"],
      [60, "breach", "active"],
      [70, "clear", "active"],
      [130, "clear", "returned"],
      [140, "breach", "returned"],
      [150, "acknowledge", "pending"],
      [200, "tick", "active"],
    ],
  ],
  [
    "sounds again when acknowledged and still active after the re-alarm time",
    [
      [0, "breach", "active"],
      [5, "acknowledge", "acknowledged"],
      [904, "breach", "acknowledged"],
      [905, "tick", "active"],
    ],
    { onDelayMs: 0, reAlarmMs: 900_000 },
  ],
  [
    "latches: acknowledged, then reset",
    [
      [0, "breach", "active"],
      [1, "clear", "latched"],
      [2, "reset", "latched"],
      [3, "acknowledge", "latched"],
      [4, "reset", "normal"],
    ],
    { onDelayMs: 0, offDelayMs: 0, latch: true },
  ],
  [
    "is unacknowledged again after unshelving while active",
    [
      [0, "breach", "active"],
      [1, "acknowledge", "acknowledged"],
      [2, "shelve", "acknowledged"],
      [3, "unshelve", "active"],
    ],
    { onDelayMs: 0 },
  ],
  [
    "is unacknowledged again when its shelving expires",
    [
      [0, "breach", "active"],
      [1, "acknowledge", "acknowledged"],
      [2, "shelve", "acknowledged"],
      [601, "breach", "acknowledged"],
      [602, "tick", "active"],
    ],
    { onDelayMs: 0 },
  ],
  [
    "is normal when it cleared under its shelf",
    [
      [0, "breach", "active"],
      [1, "shelve", "active"],
      [2, "clear", "returned"],
      [602, "tick", "normal"],
    ],
    { onDelayMs: 0, offDelayMs: 0 },
  ],
  [
    "tracks its condition while out of service and sounds on return",
    [
      [0, "out-of-service", "normal"],
      [1, "breach", "active"],
      [2, "acknowledge", "acknowledged"],
      [3, "in-service", "active"],
    ],
    { onDelayMs: 0 },
  ],
];

describe("an alarm", () => {
  test.each(STORIES)("%s", (_name, beats, change) => {
    play(beats, { ...RULE, ...change });
  });

  test("raises at 100 s and clears at 220 s for the published limit story", () => {
    const values: [number, number][] = [
      [0, 26.8],
      [10, 27.1],
      [20, 27.2],
      [30, 26.9],
      [40, 27.3],
      [50, 27.4],
      [60, 27.4],
      [70, 27.4],
      [80, 27.4],
      [90, 27.4],
      [100, 27.4],
      [110, 26.8],
      [120, 26.6],
      [130, 26.5],
      [140, 26.4],
      [150, 26.6],
      [160, 26.4],
      [170, 26.4],
      [180, 26.4],
      [190, 26.4],
      [200, 26.4],
      [210, 26.4],
      [220, 26.4],
    ];
    let state = INITIAL_STATE;
    const seen: [number, string][] = [];
    for (const [seconds, value] of values) {
      const moved = step(
        state,
        judge(HIGH, { measurement: good(value), stale: false }),
        seconds * 1_000,
        RULE,
      );
      state = moved.state;
      for (const change of moved.changes) seen.push([seconds, change]);
    }
    expect(seen).toEqual([
      [100, "raised"],
      [220, "cleared"],
    ]);
  });
});

describe("a condition", () => {
  const fresh = { stale: false };
  test.each([
    [
      "27.1 °C breaches an upper limit of 27",
      HIGH,
      { measurement: good(27.1), ...fresh },
      "breach",
    ],
    ["27.0 °C is inside the deadband", HIGH, { measurement: good(27), ...fresh }, "hold"],
    ["26.5 °C clears", HIGH, { measurement: good(26.5), ...fresh }, "clear"],
    [
      "a bad reading says nothing about a limit",
      HIGH,
      { measurement: bad("checksum"), ...fresh },
      "unknown",
    ],
    [
      "an uncertain reading says nothing about a limit",
      HIGH,
      { measurement: uncertain(99, "frozen"), ...fresh },
      "unknown",
    ],
    [
      "a stale reading says nothing about a limit",
      HIGH,
      { measurement: good(40), stale: true },
      "unknown",
    ],
    [
      "a contact at 1 breaches equals 1",
      { kind: "digital", equals: 1 },
      { measurement: good(1), ...fresh },
      "breach",
    ],
    [
      "a bad reading breaches the stale condition",
      { kind: "stale" },
      { measurement: bad("no-answer"), ...fresh },
      "breach",
    ],
    [
      "an old reading breaches the stale condition",
      { kind: "stale" },
      { measurement: good(20), stale: true },
      "breach",
    ],
  ] as const)("%s", (_name, condition, evidence, expected) => {
    expect(judge(condition, evidence)).toBe(expected);
  });
});

describe("any sequence of findings and commands", () => {
  const finding = fc.constantFrom<Finding>("breach", "clear", "hold", "unknown");
  const order = fc.constantFrom<Command["do"]>(
    "acknowledge",
    "reset",
    "shelve",
    "unshelve",
    "suppress",
    "unsuppress",
    "out-of-service",
    "in-service",
  );
  const beat = fc.tuple(
    fc.integer({ min: 0, max: 120 }),
    fc.oneof(finding, order, fc.constantFrom("tick" as const, "restart" as const)),
  );
  const rules = fc.record({
    onDelayMs: fc.constantFrom(0, 60_000),
    offDelayMs: fc.constantFrom(0, 60_000),
    latch: fc.boolean(),
  });

  test("keeps the promises of an alarm", () => {
    fc.assert(
      fc.property(fc.array(beat, { maxLength: 60 }), rules, (beats, change) => {
        const rule = { ...RULE, ...change };
        let state = INITIAL_STATE;
        let now = 0;
        let breachSince: number | null = null;
        for (const [pause, what] of beats) {
          now += pause * 1_000;
          const before = state;
          const isFinding =
            what === "breach" || what === "clear" || what === "hold" || what === "unknown";
          const { state: after, changes } =
            what === "restart"
              ? { state: afterRestart(JSON.parse(JSON.stringify(state))), changes: [] }
              : what === "tick"
                ? tick(state, now, rule)
                : isFinding
                  ? step(state, what, now, rule)
                  : command(state, operator(what, now), now);
          state = after;
          if (what === "breach") breachSince ??= now;
          if (what === "clear" || what === "hold" || what === "restart") breachSince = null;

          expect(state.count - before.count).toBe(changes.includes("raised") ? 1 : 0);
          if (changes.includes("raised"))
            expect(now - breachSince!).toBeGreaterThanOrEqual(rule.onDelayMs);
          if (changes.includes("cleared")) expect(state.finding).toBe("clear");
          if (what === "unknown") expect(changes).not.toContain("cleared");
          if (what === "restart") {
            expect(stateName(state)).toBe(stateName(before));
            const { shelved, suppressed, outOfService } = before;
            expect(state).toMatchObject({ shelved, suppressed, outOfService });
          }
          if (before.phase.name === "latched" && state.phase.name === "normal")
            expect([what, before.phase.ack]).toEqual(["reset", expect.anything()]);
          const flags = [!!state.shelved, !!state.suppressed, !!state.outOfService];
          const had = [!!before.shelved, !!before.suppressed, !!before.outOfService];
          expect(flags.filter((flag, n) => flag !== had[n]).length).toBeLessThanOrEqual(1);
          if (before.shelved && !state.shelved && state.phase.name === "active")
            expect(state.phase.ack).toBeNull();
          if (state.shelved && (isFinding || what === "tick"))
            expect(state.shelved.until).toBeGreaterThan(now);
          if (state.shelved || state.suppressed || state.outOfService)
            expect(annunciates(state)).toBe(false);
          expect(JSON.parse(JSON.stringify(state))).toEqual(state);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe("a shelf for once", () => {
  const shelve: Command = { do: "shelve", by: "kn", reason: "work", until: 900_000, once: true };
  const raised = () => step(INITIAL_STATE, "breach", 0, { ...RULE, onDelayMs: 0, offDelayMs: 0 });
  const quick = { ...RULE, onDelayMs: 0, offDelayMs: 0 };

  test("ends when the alarm clears, and the next breach is heard", () => {
    const shelved = command(raised().state, shelve, 1_000).state;
    expect(annunciates(step(shelved, "breach", 2_000, quick).state)).toBe(false);
    const over = step(shelved, "clear", 3_000, quick);
    expect(over.changes).toEqual(["cleared", "unshelved"]);
    expect(stateName(over.state)).toBe("normal");
    expect(annunciates(step(over.state, "breach", 4_000, quick).state)).toBe(true);
  });
  test("ends at its time even while the alarm stands", () => {
    const shelved = command(raised().state, shelve, 1_000).state;
    const over = step(shelved, "breach", 900_000, quick);
    expect(over.changes).toEqual(["unshelved"]);
    expect(annunciates(over.state)).toBe(true);
  });
  test("an unknown value does not end it", () => {
    const shelved = command(raised().state, shelve, 1_000).state;
    expect(step(shelved, "unknown", 3_000, quick).state.shelved).not.toBeNull();
  });
});
