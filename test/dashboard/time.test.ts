import { expect, test } from "vitest";
import { allThinned, commonHoles } from "../../dashboard/pages/chart-holes.ts";
import { chartSlots } from "../../dashboard/pages/chart-slots.ts";
import { recordWords } from "../../dashboard/pages/record-words.ts";
import { fitText, textEm } from "../../dashboard/text-fit.ts";
import {
  alarmAge,
  clockTime,
  fromLocal,
  shortAge,
  shortDate,
  stopwatch,
  toLocal,
  utcOffset,
} from "../../dashboard/time.ts";
import { initials } from "../../dashboard/wall/alarm-rows.tsx";
import { doorState } from "../../dashboard/wall/door-state.ts";
import { sparkPath } from "../../dashboard/wall/spark.tsx";
import { slots, sumLines } from "../../dashboard/wall/spark-history.ts";
import { closestToLimit } from "../../dashboard/wall/watch-list.ts";

const NOON = Date.UTC(2026, 10, 22, 12, 32, 7);

test("the clock is the site's, with its distance to UTC, in summer and winter", () => {
  expect(clockTime(NOON, "Europe/Helsinki")).toBe("14:32:07");
  expect(shortDate(NOON, "Europe/Helsinki")).toBe("Sun 22 Nov");
  expect(utcOffset(NOON, "Europe/Helsinki")).toBe("UTC+2");
  expect(utcOffset(Date.UTC(2026, 6, 1), "Europe/Helsinki")).toBe("UTC+3");
  expect(utcOffset(NOON, "Asia/Kolkata")).toBe("UTC+5:30");
  expect(utcOffset(NOON, "America/St_Johns")).toBe("UTC−3:30");
  expect(utcOffset(NOON, "UTC")).toBe("UTC");
});

test("midnight is 00:00:00, not 24:00:00", () => {
  expect(clockTime(Date.UTC(2026, 10, 22), "UTC")).toBe("00:00:00");
});

test("a local time typed into a filter comes back as the same moment, also beside a clock change", () => {
  for (const at of [NOON, Date.UTC(2026, 2, 29, 0, 30), Date.UTC(2026, 9, 25, 3, 0)]) {
    const minute = Math.floor(at / 60_000) * 60_000;
    expect(fromLocal(toLocal(minute, "Europe/Helsinki"), "Europe/Helsinki")).toBe(minute);
  }
  expect(fromLocal("", "UTC")).toBeUndefined();
  expect(fromLocal("yesterday", "UTC")).toBeUndefined();
});

test("ages round down and say their unit", () => {
  expect([59_999, 60_000, 3_599_999, 3_600_000, 172_800_000].map(shortAge)).toEqual([
    "59 s",
    "1 min",
    "59 min",
    "1 h",
    "2 d",
  ]);
  expect([81_000, 3_660_000, 183_600_000, -5].map(alarmAge)).toEqual([
    "01:21",
    "1 h 01",
    "2 d 3 h",
    "00:00",
  ]);
  expect([37_000, 192_000, 3_725_000].map(stopwatch)).toEqual(["0:37", "3:12", "1:02:05"]);
});

test("text shrinks to its place, then ends with an ellipsis", () => {
  expect(fitText("UPS A", 500, { max: 50, min: 30 })).toEqual({ text: "UPS A", size: 50 });
  const fitted = fitText("UPS A on battery", 300, { max: 50, min: 20 });
  expect(fitted.text).toBe("UPS A on battery");
  expect(textEm(fitted.text) * fitted.size).toBeCloseTo(300);
  expect(fitText("W".repeat(60), 100, { max: 50, min: 20 }).text).toMatch(/^W+…$/);
});

test("a name becomes two letters on the wall", () => {
  expect(["Kaisa Nieminen", "demo", "k.virtanen", ""].map(initials)).toEqual([
    "KN",
    "DE",
    "KV",
    "",
  ]);
});

test("a hole breaks the small line", () => {
  expect(sparkPath([1, 2, null, 3], (v) => v)).toBe("M0.0 1.0h0.01L36.7 2.0M110.0 3.0h0.01");
});

test("buckets keep their places, and a sum exists only where every part does", () => {
  const bucket = (at: number, mean: number) => ({ at, mean, min: mean, max: mean, count: 1 });
  const stepMs = 900_000;
  const at = { fromMs: 0, stepMs };
  const a = { stepMs, values: slots([bucket(0, 5), bucket(stepMs, 6), bucket(-1, 9)], at) };
  const b = { stepMs, values: slots([bucket(stepMs, 10)], at) };
  expect(a.values.slice(0, 3)).toEqual([5, 6, null]);
  expect(sumLines([a, b])?.values.slice(0, 3)).toEqual([null, 16, null]);
  expect(sumLines([a, null])).toBeNull();
  expect(sumLines([a, { ...b, stepMs: 30_000 }])).toBeNull();
});

test("a chart bridges two missing buckets and breaks at three", () => {
  const bucket = (i: number) => ({ at: i * 1_000, mean: i, min: i, max: i, count: 1 });
  const [times, values] = chartSlots([{ buckets: [0, 3, 7].map(bucket) }], {
    fromMs: 0,
    toMs: 9_000,
    stepMs: 1_000,
  });
  expect(times).toHaveLength(9);
  expect(values).toEqual([0, undefined, undefined, 3, null, null, null, 7, null]);
});

test("a hole the hub knows of breaks the line however short, one it does not know of from three", () => {
  const bucket = (i: number) => ({ at: i * 1_000, mean: i, min: i, max: i, count: 1 });
  const coverage = { missing: [{ from: 1_000, to: 2_000 }], thinned: [] };
  const [, values] = chartSlots([{ buckets: [0, 2, 4].map(bucket), coverage }], {
    ...{ fromMs: 0, toMs: 5_000, stepMs: 1_000 },
  });
  expect(values).toEqual([0, null, 2, undefined, 4]);
});

test("no data is where not one line has any; thinned is where at least one was", () => {
  const a = {
    missing: [
      { from: 0, to: 10 },
      { from: 20, to: 30 },
    ],
    thinned: [{ from: 5, to: 6 }],
  };
  const b = { missing: [{ from: 5, to: 22 }], thinned: [{ from: 6, to: 9 }] };
  expect(commonHoles([a, b])).toEqual([
    { from: 5, to: 10 },
    { from: 20, to: 22 },
  ]);
  expect(allThinned([a, b])).toEqual([{ from: 5, to: 9 }]);
  expect(commonHoles([])).toEqual([]);
});

test("only inlets measured now can be closest to their limit, from either side", () => {
  const band = { minC: 18, maxC: 27, lowC: 15, highC: 32 };
  const now = (value: number) => ({ kind: "value", value, ageMs: 0, doubt: null }) as const;
  const list = closestToLimit(
    [
      { id: "a.inlet", shown: now(22) },
      { id: "b.inlet", shown: now(26.5) },
      { id: "c.inlet", shown: now(18.2) },
      { id: "d.inlet", shown: { kind: "stale", value: 26.9, ageMs: 99_000 } },
    ],
    band,
  );
  expect(list.map(({ id, limit }) => [id, limit])).toEqual([
    ["c.inlet", 18],
    ["b.inlet", 27],
    ["a.inlet", 18],
  ]);
});

test("a door whose contact is not being read is neither open nor closed", () => {
  const door = { id: "d", node: "n", label: "D", state: "closed", since: NOON, at: NOON } as const;
  const shut = { kind: "value", value: 0, ageMs: 0, doubt: null } as const;
  expect(doorState(door, shut, NOON)).toEqual({ kind: "closed" });
  expect(doorState(door, { kind: "stale", value: 0, ageMs: 420_000 }, NOON)).toEqual({
    kind: "unknown",
    for: "7 min",
  });
  expect(doorState({ ...door, state: "open" }, shut, NOON + 192_000)).toEqual({
    kind: "open",
    for: "3:12",
  });
});

test("ledger records read as sentences, known type or not", () => {
  expect(recordWords({ type: "door.opened", detail: {} })).toBe("Opened");
  expect(recordWords({ type: "alarm.raised", detail: { alarm: "inlet-high.a03" } })).toBe(
    "Alarm raised · inlet-high.a03",
  );
  expect(recordWords({ type: "badge.re-read", detail: {} })).toBe("Badge re read");
});
