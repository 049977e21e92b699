import { beforeEach, expect, test } from "vitest";
import { Coverage } from "../../../hub/history/coverage.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";

const HOUR = 3_600_000;
const T0 = Date.UTC(2026, 0, 1);
let db: HubDb;
let coverage: Coverage;
beforeEach(() => {
  db = openHubDb(":memory:");
  coverage = new Coverage(db);
});

const mark = (point: string, ...ats: number[]) =>
  coverage.mark(
    ats.map((at) => ({ node: "edge-a", reading: { point, at, quality: "good", value: 1 } })),
  );
const changes = () => db.prepare("SELECT total_changes()").pluck().get() as number;

test("an hour is dirty from its first row until it is done, whatever restarts between", () => {
  mark("a01.t", T0 + 1, T0 + HOUR - 1, T0 + HOUR);
  mark("b01.t", T0);
  const due = new Coverage(db).take(T0 + HOUR, 10);
  expect(due).toEqual([
    { point: "a01.t", hour: T0, marks: 1 },
    { point: "b01.t", hour: T0, marks: 1 },
  ]);
  coverage.done(due);
  expect(coverage.take(T0 + 9 * HOUR, 10)).toEqual([{ point: "a01.t", hour: T0 + HOUR, marks: 1 }]);
});

test("further rows of a dirty hour write nothing to the disk", () => {
  mark("a01.t", T0, T0 + HOUR);
  const before = changes();
  for (let i = 0; i < 1_000; i += 1) mark("a01.t", T0 + i, T0 + HOUR + i);
  expect(changes()).toBe(before);
});

test("a row that comes while its hour is rolled up makes it dirty again", () => {
  mark("a01.t", T0);
  const due = coverage.take(T0 + HOUR, 10);
  mark("a01.t", T0 + 5);
  coverage.done(due);
  expect(coverage.take(T0 + HOUR, 10)).toEqual([{ point: "a01.t", hour: T0, marks: 2 }]);
});

test("work that fails leaves the hour dirty", () => {
  mark("a01.t", T0);
  coverage.take(T0 + HOUR, 10);
  expect(coverage.take(T0 + HOUR, 10)).toHaveLength(1);
});

test("the first reading ever is remembered, also when an older one comes later", () => {
  expect(coverage.firstAt("a01.t")).toBeUndefined();
  mark("a01.t", T0 + 500);
  mark("a01.t", T0 + 900);
  expect(coverage.firstAt("a01.t")).toBe(T0 + 500);
  mark("a01.t", T0 - 5 * HOUR);
  expect(new Coverage(db).firstAt("a01.t")).toBe(T0 - 5 * HOUR);
});

test("dirty hours are found by point and by range", () => {
  mark("a01.t", T0, T0 + HOUR, T0 + 3 * HOUR);
  mark("b01.t", T0 + HOUR);
  const range = { fromMs: T0 + HOUR + 5, toMs: T0 + 3 * HOUR };
  expect(coverage.dirty("a01.t", range, 10)).toEqual([T0 + HOUR]);
  expect(coverage.dirtyIn(range, 10).map(({ point }) => point)).toEqual(["a01.t", "b01.t"]);
});
