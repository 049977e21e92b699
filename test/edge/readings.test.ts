import { afterEach, beforeEach, expect, test } from "vitest";
import type { PointInfo } from "../../contract/message.ts";
import { bad, good, type Reading, uncertain } from "../../contract/reading.ts";
import { type ClockState, createReadings, nextStamp, plausible } from "../../edge/readings.ts";
import type { TruthRules } from "../../edge/truth/truth.ts";
import { silent, TempSpool } from "./spool/temp-spool.ts";

const POINT: PointInfo = {
  id: "ups-a.charge",
  quantity: "charge",
  label: "UPS A charge",
  periodMs: 2_000,
  min: 5,
};

let temp: TempSpool;
beforeEach(() => {
  temp = new TempSpool();
});
afterEach(() => temp.remove());

function setUp(
  clockState: () => ClockState = () => "synced",
  truth: ReadonlyMap<string, TruthRules> = new Map(),
) {
  const spool = temp.open();
  const failures: unknown[] = [];
  const readings = createReadings({
    points: [POINT],
    truth,
    spool,
    clock: temp.clock,
    clockState,
    boot: { id: "boot-1", baseMs: 5_000 },
    log: silent,
    fatal: (error) => failures.push(error),
  });
  const rows = () => {
    spool.commit();
    return (spool.batch(0, 1_000)?.rows ?? []).flatMap((row) => ("skip" in row ? [] : [row]));
  };
  return { readings, spool, rows, failures };
}

test.each([
  ["a value inside every range", good(50), good(50)],
  ["a value below the point's own minimum", good(4.9), uncertain(4.9, "implausible")],
  ["a value above what the quantity can be", good(100.1), uncertain(100.1, "implausible")],
  ["no number at all", good(Number.NaN), bad("not-available")],
  ["a bad measurement", bad("checksum"), bad("checksum")],
])("judges %s", (_name, measured, judged) => {
  expect(plausible(measured, POINT)).toEqual(judged);
});

test.each([
  ["the first reading", 1_000, undefined, 1_000],
  ["a later one", 2_000, 1_000, 2_000],
  ["one in the same millisecond", 1_000, 1_000, 1_001],
  ["one after a step back of 5 s", 95_000, 100_000, 100_001],
  ["one after a step back of an hour: the clock was wrong before", 100_000, 3_700_000, 100_000],
])("stamps %s", (_name, now, last, at) => {
  expect(nextStamp(now, last)).toBe(at);
});

test("stamps of a point rise even while the wall clock steps back", () => {
  const { readings, rows } = setUp();
  for (const stepMs of [0, -3_000, -3_000, 0, 10_000]) {
    temp.clock.stepWall(stepMs);
    readings.sink([{ point: POINT.id, measurement: good(50) }]);
  }
  const stamps = rows().map(({ at }) => at);
  expect(new Set(stamps).size).toBe(5);
  expect([...stamps].sort((a, b) => a - b)).toEqual(stamps);
});

test("before the clock is set the wall sees doubt, while the spool keeps value and monotonic time", () => {
  let state: ClockState = "unsynced";
  const { readings, rows } = setUp(() => state);
  const shown: Reading[] = [];
  readings.onReading((reading) => shown.push(reading));
  readings.sink([{ point: POINT.id, measurement: good(50) }]);
  state = "synced";
  readings.sink([{ point: POINT.id, measurement: good(51) }]);
  expect(shown).toMatchObject([{ quality: "uncertain", reason: "clock" }, { quality: "good" }]);
  expect(rows()).toMatchObject([
    { synced: false, monoMs: 5_000, payload: expect.stringMatching(/,50\]$/) },
    { synced: true, payload: expect.stringMatching(/,51\]$/) },
  ]);
});

test("stamps taken before the clock was set do not hold back those after it, even if they lay ahead", () => {
  let state: ClockState = "unsynced";
  const { readings, rows } = setUp(() => state);
  temp.clock.stepWall(30_000);
  readings.sink([{ point: POINT.id, measurement: good(50) }]);
  temp.clock.stepWall(-30_000);
  state = "synced";
  readings.sink([{ point: POINT.id, measurement: good(51) }]);
  expect(rows().at(-1)?.at).toBe(temp.clock.nowMs());
});

test("two readings in one millisecond have different monotonic times, which may become their dates", () => {
  const { readings, rows } = setUp(() => "unsynced");
  for (let i = 0; i < 3; i += 1) readings.sink([{ point: POINT.id, measurement: good(50) }]);
  expect(rows().map(({ monoMs }) => monoMs)).toEqual([5_000, 5_001, 5_002]);
});

test("the wall shows doubt before the clock is set, but a local rule judges what was measured", () => {
  const { readings } = setUp(() => "unsynced");
  const measured: Reading[] = [];
  readings.onMeasured((reading) => measured.push(reading));
  readings.sink([{ point: POINT.id, measurement: good(50) }]);
  expect(measured).toMatchObject([{ quality: "good", value: 50 }]);
});

test("a value that a sensor shows for too long is in doubt, and a spike is counted", async () => {
  const rules = new Map([[POINT.id, { frozen: true, condensed: false, step: true }]]);
  const { readings } = setUp(() => "synced", rules);
  for (let minute = 0; minute < 40; minute += 1) {
    readings.sink([{ point: POINT.id, measurement: good(50) }]);
    await temp.clock.advance(60_000);
  }
  expect([...readings.newest()]).toMatchObject([{ quality: "uncertain", reason: "frozen" }]);
  for (const value of [51, 90, 51]) readings.sink([{ point: POINT.id, measurement: good(value) }]);
  expect(readings.spikes()).toBe(1);
});

test("a point that was never announced is dropped, and the rest of the samples kept", () => {
  const { readings, rows } = setUp();
  readings.sink([
    { point: "stranger.t", measurement: good(1) },
    { point: POINT.id, measurement: good(50) },
  ]);
  expect(rows()).toHaveLength(1);
});

test("5,000 readings do not wait for the commit window", () => {
  const { readings, spool } = setUp();
  for (let i = 0; i < 5_001; i += 1) readings.sink([{ point: POINT.id, measurement: good(50) }]);
  expect([spool.last, spool.pending]).toEqual([5_000, 1]);
});

test("a disk that refuses is fatal, not an exception in a bus loop", () => {
  const { readings, spool, failures } = setUp();
  spool.close();
  for (let i = 0; i < 5_000; i += 1) readings.sink([{ point: POINT.id, measurement: good(50) }]);
  expect(failures).toHaveLength(1);
});

test("an event is on disk before its listeners hear of it", () => {
  const { readings, spool } = setUp();
  const heard: number[] = [];
  readings.onEvent(() => heard.push(spool.last));
  readings.event({ type: "node", what: "started", at: temp.clock.nowMs(), detail: "test" });
  expect(heard).toEqual([1]);
});
