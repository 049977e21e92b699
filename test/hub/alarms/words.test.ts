import { describe, expect, test } from "vitest";
import { type AlarmState, type Change, INITIAL_STATE } from "../../../contract/alarm/engine.ts";
import type { Condition } from "../../../contract/alarm/rule.ts";
import { afterRestart, onSteppedClock, StepWatch } from "../../../contract/alarm/timers.ts";
import type { AlarmView } from "../../../contract/api.ts";
import { bad, good, type Measurement, uncertain } from "../../../contract/reading.ts";
import { durationText, pointFace, valueText } from "../../../hub/alarms/alarm-face.ts";
import { placeNames } from "../../../hub/alarms/place-names.ts";
import { tellingsOf } from "../../../hub/alarms/transition.ts";
import { composeNotice } from "../../../hub/notify/notice.ts";
import { FakeClock } from "../../fake-clock.ts";
import { INLET, rule, SITE } from "./small-hub.ts";

const BAND: Condition = { kind: "limit", above: 27, below: 15, deadband: 0.5 };
const LOW: Condition = { kind: "limit", below: 15, deadband: 0.5 };
const WET: Condition = { kind: "digital", equals: 1 };

describe("what an alarm says", () => {
  const sight = {
    info: INLET,
    place: { label: "A03", room: "Hall A" },
    stale: false,
    lastSeen: "14:31",
  };
  const stories: [string, Condition, Measurement | null, boolean, string, string, string][] = [
    [
      "upper limit",
      BAND,
      good(31.84),
      false,
      "{place} inlet {value}",
      "A03 inlet 31.8 °C",
      "limit 27 °C · sensor A03 inlet top",
    ],
    [
      "lower limit of two",
      BAND,
      good(12),
      false,
      "{label} {value}, limit {limit}",
      "A03 inlet top 12.0 °C, limit 15 °C",
      "lower limit 15 °C · sensor A03 inlet top",
    ],
    [
      "only a lower limit",
      LOW,
      good(12),
      false,
      "{value}",
      "12.0 °C",
      "lower limit 15 °C · sensor A03 inlet top",
    ],
    [
      "in doubt",
      BAND,
      uncertain(40, "frozen"),
      false,
      "{value}",
      "40.0 °C",
      "limit 27 °C · sensor A03 inlet top",
    ],
    [
      "not measured",
      BAND,
      bad("no-answer"),
      false,
      "{label} {value}",
      "A03 inlet top no reading",
      "limit 27 °C · sensor A03 inlet top",
    ],
    [
      "too old",
      BAND,
      good(31.8),
      true,
      "{label} {value}",
      "A03 inlet top no reading",
      "limit 27 °C · sensor A03 inlet top",
    ],
    ["digital", WET, good(1), false, "Water in {place}", "Water in A03", "sensor A03 inlet top"],
    [
      "bad reading",
      { kind: "stale" },
      bad("wire"),
      false,
      "{label}",
      "A03 inlet top",
      "the sensor's wire is open or shorted · sensor A03 inlet top",
    ],
    [
      "unknown reason",
      { kind: "stale" },
      bad("bus"),
      true,
      "{label}",
      "A03 inlet top",
      "nothing received since 14:31 · sensor A03 inlet top",
    ],
  ];
  test.each(stories)("%s", (_name, condition, measurement, stale, title, said, detail) => {
    const face = pointFace(rule({ id: "r", condition, title }), { ...sight, measurement, stale });
    expect([face.title, face.detail]).toEqual([said, detail]);
  });

  test("nothing was ever read", () => {
    const stale = rule({ id: "r", condition: { kind: "stale" }, title: "{label}" });
    const never = { ...sight, measurement: null, stale: true, lastSeen: null };
    expect(pointFace(stale, never).detail).toMatch(/^nothing has been read yet/);
  });

  test.each([
    [{ quantity: "temperature" }, -3.04, "-3.0 °C"],
    [{ quantity: "charge" }, 45.4, "45 %"],
    [{ quantity: "runtime" }, 1_260, "21 min"],
    [{ quantity: "runtime" }, 90, "90 s"],
    [{ quantity: "state", states: { "3": "on battery" } }, 3, "on battery"],
    [{ quantity: "state", states: { "3": "on battery" } }, 4, "4"],
    [{ quantity: "flag" }, 1, "yes"],
    [{ quantity: "flag", label: "On battery (1 = yes)" }, 0, "no"],
    [{ quantity: "flag", label: "Leak rope (1 = wet)" }, 1, "wet"],
    [{ quantity: "flag", label: "Leak rope (1 = wet)" }, 0, "not wet"],
  ] as const)("value of %o: %d is %s", (info, value, text) => {
    expect(valueText(info, value)).toBe(text);
  });

  test("durations are as coarse as people say them", () => {
    const texts = [40_000, 119_400, 121_000, 7_000_000, 7_300_000, 200_000_000].map(durationText);
    expect(texts).toEqual(["40 s", "119 s", "2 min", "117 min", "2 h", "2 days"]);
  });
});

test.each([
  ["a03.inlet-top", { label: "A03", room: "Hall A" }],
  ["door-a1.open", { label: "A1 south", room: "Hall A" }],
  ["ups-a.load", { label: "UPS A", room: null }],
  ["hall-a.temperature", { label: "Hall A", room: null }],
  ["leak.rope", { label: null, room: "Hall A" }],
  ["nowhere.x", { label: null, room: null }],
  ["dotless", { label: null, room: null }],
])("the place of %s", (point, place) => {
  expect(placeNames(SITE)(point)).toEqual(place);
});

describe("who is told", () => {
  const active = {
    name: "active",
    occurrence: 1,
    raisedAt: 0,
    ack: null,
    clearSince: null,
  } as const;
  const on: AlarmState = { ...INITIAL_STATE, count: 1, phase: active };
  const shelved = { ...on, shelved: { until: 1, by: "kn", reason: "x" } };
  const over: AlarmState = { ...INITIAL_STATE, count: 1 };
  const stories: [string, AlarmState, Change[], string[], string[], string[]][] = [
    ["raised", on, ["raised"], [], ["raised duty,desk"], ["duty", "desk"]],
    [
      "raised again while some remember the last time",
      on,
      ["raised"],
      ["old"],
      ["raised duty,desk"],
      ["duty", "desk"],
    ],
    ["raised while shelved", shelved, ["raised"], [], [], []],
    ["re-alarmed", on, ["re-alarmed"], ["duty"], ["re-alarmed duty,desk"], ["duty", "desk"]],
    [
      "unshelved, told before",
      on,
      ["unshelved"],
      ["duty"],
      ["re-alarmed duty,desk"],
      ["duty", "desk"],
    ],
    ["unshelved, never told", on, ["unshelved"], [], ["raised duty,desk"], ["duty", "desk"]],
    ["back in service", on, ["in-service"], [], ["raised duty,desk"], ["duty", "desk"]],
    ["unshelved when over", over, ["unshelved"], [], [], []],
    ["acknowledged", on, ["acknowledged"], ["duty"], [], ["duty"]],
    ["cleared", over, ["cleared", "ended"], ["old"], ["cleared old"], []],
    [
      "cleared while shelved",
      { ...over, shelved: shelved.shelved },
      ["cleared"],
      ["duty"],
      ["cleared duty"],
      [],
    ],
    ["cleared, nobody told", over, ["cleared"], [], [], []],
  ];
  test.each(stories)("%s", (_name, state, changes, told, expected, after) => {
    const result = tellingsOf(state, changes, ["duty", "desk"], told);
    expect(result.tell.map((t) => `${t.change} ${t.receivers.join(",")}`)).toEqual(expected);
    expect(result.told).toEqual(after);
  });
});

describe("subject lines", () => {
  const view = (extra: Partial<AlarmView>): AlarmView => ({
    ...{ id: "r.p", rule: "r", subject: "p", place: null, priority: 2, detail: "", runbook: null },
    ...{ state: "active", occurrence: 1, raisedAt: 0, clearedAt: null, ack: null, shelved: null },
    ...{ suppressed: false, outOfService: null, value: null, limit: null, unit: "", title: "" },
    ...extra,
  });
  const stories: [string, Partial<AlarmView>, string | null, string][] = [
    [
      "limit",
      { title: "A03 inlet 27.8 °C", limit: 27, place: "A03" },
      "Hall A",
      "P2 A03 inlet 27.8 °C (limit 27) — Hall A",
    ],
    [
      "limit said already",
      { title: "A03 31.8 °C, limit 27 °C", limit: 27, place: "A03" },
      "Hall A",
      "P2 A03 31.8 °C, limit 27 °C — Hall A",
    ],
    [
      "negative limit",
      { title: "Outside -12.0 °C", limit: -5 },
      null,
      "P2 Outside -12.0 °C (limit -5) — Demo",
    ],
    [
      "place not in the title",
      { title: "Inlet hot", place: "A03" },
      "Hall A",
      "P2 Inlet hot — A03, Hall A",
    ],
    [
      "everything in the title",
      { title: "Demo: UPS A on battery", place: "UPS A" },
      null,
      "P2 Demo: UPS A on battery — Demo",
    ],
  ];
  test.each(stories)("%s", (_name, alarm, room, subject) => {
    const context = { change: "raised", at: 0, receivers: [], room, linkBase: null } as const;
    const site = { siteLabel: "Demo", timezone: "UTC" };
    expect(composeNotice(view(alarm), { ...context, ...site }).subject).toBe(subject);
  });
});

describe("timers", () => {
  const base = { occurrence: 1, raisedAt: 5, ack: null };
  const phases: AlarmState["phase"][] = [
    { name: "normal" },
    { name: "pending", since: 10 },
    { name: "active", ...base, clearSince: 20 },
    { name: "returned", ...base, clearedAt: 15, breachSince: 30 },
    { name: "latched", ...base, clearedAt: 15, breachSince: null },
  ];
  test("a clock set ahead by 100 moves running delays and nothing else", () => {
    const moved = phases.map((phase) => onSteppedClock({ ...INITIAL_STATE, phase }, 100).phase);
    expect(moved).toEqual([
      { name: "normal" },
      { name: "pending", since: 110 },
      { name: "active", ...base, clearSince: 120 },
      { name: "returned", ...base, clearedAt: 15, breachSince: 130 },
      { name: "latched", ...base, clearedAt: 15, breachSince: null },
    ]);
  });
  test("after a restart no delay is running and nothing is known of the subject", () => {
    const states = phases.map((phase) =>
      afterRestart({ ...INITIAL_STATE, finding: "breach", phase }),
    );
    expect(states.map((state) => state.finding)).toEqual(Array(5).fill("unknown"));
    expect(states.map((state) => state.phase)).toEqual([
      { name: "normal" },
      { name: "normal" },
      { name: "active", ...base, clearSince: null },
      { name: "returned", ...base, clearedAt: 15, breachSince: null },
      { name: "latched", ...base, clearedAt: 15, breachSince: null },
    ]);
  });
  test("a step is reported once, drift of half a second not at all", async () => {
    const clock = new FakeClock();
    const watch = new StepWatch(clock);
    await clock.advance(60_000);
    expect(watch.stepMs()).toBe(0);
    clock.stepWall(500);
    expect(watch.stepMs()).toBe(0);
    clock.stepWall(-5_000);
    expect(watch.stepMs()).toBe(-5_000);
    expect(watch.stepMs()).toBe(0);
  });
});
