import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { DoorEvent, NodeEvent } from "../../../contract/message.ts";
import type { SpoolRow } from "../../../edge/spool/spool.ts";
import type { SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { SYNCED, TempSpool } from "./temp-spool.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
const PLENTY = 1e12;
let temp: TempSpool;
beforeEach(() => {
  temp = new TempSpool();
});
afterEach(() => temp.remove());

const door = (source: number): DoorEvent => ({
  type: "door",
  door: "door-a1",
  what: "opened",
  at: NOON,
  source,
  clock: "synced",
});

function addReadings(spool: SqliteSpool, count: number, point = "a01.inlet-top", fromMs = NOON) {
  for (let i = 0; i < count; i += 1)
    spool.addReading({ point, at: fromMs + i * 1_000, quality: "good", value: i }, SYNCED);
}

/** Everything the spool would still send, with sequence numbers. */
function held(spool: SqliteSpool): SpoolRow[] {
  return (spool.batch(0, 1_000_000)?.rows ?? []).flatMap((row) => ("skip" in row ? [] : [row]));
}

function gaps(spool: SqliteSpool): NodeEvent[] {
  return held(spool)
    .filter(({ kind }) => kind === "event")
    .map(({ payload }) => JSON.parse(payload).event as NodeEvent)
    .filter(({ what }) => what === "gap");
}

test("a reading waits for the commit; an event takes it along at once", () => {
  const spool = temp.open();
  addReadings(spool, 1);
  expect([spool.last, spool.pending, spool.batch(0, 10)]).toEqual([0, 1, undefined]);
  spool.addEvent(door(1), SYNCED);
  expect([spool.last, spool.pending, spool.backlog]).toEqual([2, 0, 2]);
  expect(held(spool).map(({ kind }) => kind)).toEqual(["reading", "event"]);
  spool.close();
});

test("what was committed is there after the file is opened again, under the same epoch and numbers", () => {
  const first = temp.open();
  addReadings(first, 3);
  first.commit();
  first.ack(first.epoch, 1);
  first.close();
  const second = temp.open();
  expect(second.epoch).toBe(first.epoch);
  expect(held(second).map(({ seq }) => seq)).toEqual([2, 3]);
  expect(second.ack(second.epoch, 3)).toBe(true);
  second.close();
  const third = temp.open();
  expect([third.floor, third.last, third.backlog]).toEqual([4, 3, 0]);
  addReadings(third, 1);
  third.commit();
  expect(held(third).map(({ seq }) => seq)).toEqual([4]);
  third.close();
});

test("an acknowledgement of another epoch, or of rows never committed, deletes nothing", () => {
  const spool = temp.open();
  addReadings(spool, 5);
  spool.commit();
  expect(spool.ack("another", 5)).toBe(false);
  expect(spool.ack(spool.epoch, 6)).toBe(false);
  spool.commit();
  expect(held(spool)).toHaveLength(5);
  spool.close();
});

test("a hole in the numbers is sent as a skip of its length", () => {
  const spool = temp.open();
  addReadings(spool, 10);
  spool.commit();
  temp.deleteRows([4, 5, 6, 7, 8]);
  const batch = spool.batch(2, 4);
  expect(batch).toMatchObject({ first: 2, next: 11 });
  expect(batch?.rows.map((row) => ("skip" in row ? row : row.seq))).toEqual([
    2,
    3,
    { skip: 5 },
    9,
    10,
  ]);
  expect(spool.batch(6, 10)?.rows[0]).toEqual({ skip: 3 });
  spool.close();
});

test("over its quota it thins readings older than 1 h to three a minute and declares exactly those", () => {
  const spool = temp.open({ quotaBytes: 100_000 });
  const twoHoursAgo = NOON - 7_200_000;
  addReadings(spool, 1_200, "a01.inlet-top", twoHoursAgo);
  addReadings(spool, 1_200, "a02.inlet-top", NOON - 1_200_000);
  spool.commit();
  spool.trim({ now: NOON, taken: SYNCED, freeBytes: PLENTY });
  const old = held(spool).filter(
    ({ kind, payload }) => kind === "reading" && payload.includes("a01"),
  );
  // The values rise, so the highest of a minute is also its last.
  expect(old).toHaveLength(40);
  expect(gaps(spool)).toEqual([
    expect.objectContaining({
      point: "a01.inlet-top",
      count: 1_160,
      from: twoHoursAgo + 1_000,
      to: twoHoursAgo + 1_198_000,
    }),
  ]);
  expect(spool.backlog).toBe(held(spool).length);
  spool.close();
});

test("thinning keeps the lowest, the highest and the last of a minute, and never a value that was not read", () => {
  const spool = temp.open({ quotaBytes: 100_000 });
  const from = Math.floor((NOON - 7_200_000) / 60_000) * 60_000;
  const shape = [20, 21, 35, 22, 5, 23, 24];
  for (let minute = 0; minute < 200; minute += 1) {
    shape.forEach((value, i) => {
      const at = from + minute * 60_000 + i * 1_000;
      spool.addReading({ point: "a01.inlet-top", at, quality: "good", value }, SYNCED);
    });
    const at = from + minute * 60_000 + 7_000;
    spool.addReading({ point: "a01.inlet-top", at, quality: "bad", reason: "bus" }, SYNCED);
  }
  spool.commit();
  spool.trim({ now: NOON + 86_400_000, taken: SYNCED, freeBytes: PLENTY });
  const left = held(spool)
    .filter(({ kind }) => kind === "reading")
    .map(({ payload }) => JSON.parse(payload)[2]);
  expect(left).toEqual(Array.from({ length: 200 }, () => [35, 5, null]).flat());
  spool.close();
});

test("hundreds of losses of a point, one after another, are one gap that grows; far apart, at most 4", () => {
  const spool = temp.open();
  const lose = (at: number) => {
    spool.trim({ now: at, taken: SYNCED, freeBytes: 1_000_000 });
    addReadings(spool, 3, "a01.inlet-top", at);
    spool.trim({ now: at, taken: SYNCED, freeBytes: PLENTY });
  };
  const rows = () => {
    const db = new Sqlite(temp.path, { readonly: true });
    const all = db.prepare<[], { payload: string }>("SELECT payload FROM rows").all();
    db.close();
    return all.map(({ payload }) => JSON.parse(payload).event as NodeEvent);
  };
  for (let i = 0; i < 300; i += 1) lose(NOON + i * 10_000);
  expect(rows()).toEqual([
    expect.objectContaining({ count: 900, from: NOON, to: NOON + 2_992_000 }),
  ]);
  for (let hour = 3; hour < 40; hour += 3) lose(NOON + hour * 3_600_000);
  expect(rows()).toHaveLength(4);
  expect(rows().reduce((sum, { count = 0 }) => sum + count, 0)).toBe(900 + 13 * 3);
  expect([spool.backlog, held(spool).length]).toEqual([4, 4]);
  spool.close();
});

test("a gap that may be at the hub already stays as it is", () => {
  const spool = temp.open();
  for (let i = 0; i < 3; i += 1) {
    spool.trim({ now: NOON, taken: SYNCED, freeBytes: 1_000_000 });
    addReadings(spool, 2, "a01.inlet-top", NOON + i * 10_000);
    spool.trim({ now: NOON, taken: SYNCED, freeBytes: PLENTY });
    if (i === 0) spool.batch(0, 10);
  }
  expect(gaps(spool).map(({ count }) => count)).toEqual([2, 4]);
  spool.close();
});

test("a young reading among old ones, left by a clock that stepped, is not thinned", () => {
  const spool = temp.open({ quotaBytes: 100_000 });
  addReadings(spool, 1_000, "a01.inlet-top", NOON - 7_200_000);
  addReadings(spool, 30, "a01.inlet-top", NOON - 60_000);
  addReadings(spool, 1_000, "a01.inlet-top", NOON - 6_000_000);
  spool.commit();
  spool.trim({ now: NOON, taken: SYNCED, freeBytes: PLENTY });
  expect(
    held(spool).filter(({ kind, at }) => kind === "reading" && at >= NOON - 60_000),
  ).toHaveLength(30);
  expect(gaps(spool)).toHaveLength(1);
  spool.close();
});

test("with nothing left to thin it drops the oldest readings, declares them, and keeps every event", () => {
  const spool = temp.open({ quotaBytes: 100_000 });
  spool.addEvent(door(1), SYNCED);
  addReadings(spool, 3_000);
  spool.addEvent(door(2), SYNCED);
  for (let pass = 0; pass < 50; pass += 1)
    spool.trim({ now: NOON, taken: SYNCED, freeBytes: PLENTY });
  const rows = held(spool);
  const readings = rows.filter(({ kind }) => kind === "reading");
  expect(readings.length).toBeLessThan(1_000);
  expect(readings.at(-1)?.at).toBe(NOON + 2_999_000);
  expect(rows.filter(({ payload }) => payload.includes("door-a1"))).toHaveLength(2);
  const lost = gaps(spool).reduce((sum, gap) => sum + (gap.count ?? 0), 0);
  expect(lost + readings.length).toBe(3_000);
  expect(spool.floor).toBe(1);
  spool.close();
});

test("on a full disk readings are not taken but declared, and events still are", () => {
  const spool = temp.open();
  spool.trim({ now: NOON, taken: SYNCED, freeBytes: 1_000_000 });
  addReadings(spool, 7);
  spool.addEvent(door(1), SYNCED);
  expect(held(spool)).toHaveLength(1);
  spool.trim({ now: NOON, taken: SYNCED, freeBytes: PLENTY });
  expect(gaps(spool)).toEqual([
    expect.objectContaining({ count: 7, from: NOON, to: NOON + 6_000, point: "a01.inlet-top" }),
  ]);
  spool.close();
});

test("above the events' own allowance only a repeat of a waiting event is refused", () => {
  const spool = temp.open({ maxEventBytes: 150 });
  spool.addEvent(door(1), SYNCED);
  spool.addEvent(door(2), SYNCED);
  spool.addEvent({ ...door(3), what: "closed" }, SYNCED);
  expect(held(spool).map(({ payload }) => JSON.parse(payload).event.source)).toEqual([1, 3]);
  spool.ack(spool.epoch, 1);
  spool.commit();
  spool.addEvent(door(4), SYNCED);
  expect(held(spool)).toHaveLength(2);
  spool.close();
});

test("counters survive a restart and can be made to start high", () => {
  const spool = temp.open();
  expect([spool.count("source.door-a1"), spool.count("source.door-a1")]).toEqual([1, 2]);
  expect(spool.count("session", 1_000)).toBe(1_001);
  expect(spool.count("session", 500)).toBe(1_002);
  spool.close();
  expect(temp.open().count("source.door-a1")).toBe(3);
});

test("a damaged file is set aside, its readable rows move to a new epoch, and an event says so", () => {
  const spool = temp.open();
  addReadings(spool, 4_000);
  spool.count("source.door-a1");
  spool.close();
  const bytes = readFileSync(temp.path);
  bytes.fill(0x5a, Math.floor(bytes.length / 2), Math.floor(bytes.length / 2) + 8_192);
  writeFileSync(temp.path, bytes);

  const rescued = temp.open();
  expect(rescued.epoch).not.toBe(spool.epoch);
  const rows = held(rescued);
  const event = JSON.parse(rows.at(-1)?.payload ?? "{}").event;
  expect(event).toMatchObject({ what: "spool-corrupt", count: rows.length - 1 });
  expect(rows.length).toBeGreaterThan(3_000);
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, i) => i + 1));
  expect(rescued.backlog).toBe(rows.length);
  expect(rescued.count("source.door-a1")).toBe(2);
  expect(readdirSync(path.dirname(temp.path)).some((name) => name.includes("damaged"))).toBe(true);
  rescued.close();
});

test("a file that is no database at all is set aside, and a new spool begins", () => {
  writeFileSync(temp.path, "this is not a database, but it is longer than a header".repeat(40));
  const spool = temp.open();
  expect(held(spool).map(({ payload }) => JSON.parse(payload).event.what)).toEqual([
    "spool-corrupt",
  ]);
  spool.close();
});

test("a file of a newer version is refused, and not touched", () => {
  temp.open().close();
  const db = new Sqlite(temp.path);
  db.pragma("user_version = 9");
  db.close();
  expect(() => temp.open()).toThrow(/newer version of Plenum \(format 9, this one knows 1\)/);
});

test("of a boot that never knew the time, the last time known before it is kept", () => {
  const first = temp.open({ bootId: "boot-1" });
  first.remember("wall", String(NOON));
  first.close();
  const second = temp.open({ bootId: "boot-2" });
  second.addReading(
    { point: "a01.humidity", at: 5, quality: "good", value: 40 },
    { monoMs: 10_000, synced: false },
  );
  second.close();
  const third = temp.open({ bootId: "boot-3" });
  third.remember("wall", String(NOON + 86_400_000));
  third.close();
  const fourth = temp.open({ bootId: "boot-4" });
  expect(held(fourth)).toMatchObject([{ thisBoot: false, offsetMs: null, afterMs: NOON }]);
  fourth.close();
});

test("the offset of a boot is kept, the first stands, and only that boot's rows have it", () => {
  const first = temp.open({ bootId: "boot-1" });
  first.addReading(
    { point: "a01.humidity", at: 5, quality: "good", value: 40 },
    { monoMs: 10_000.4, synced: false },
  );
  first.close();
  const second = temp.open({ bootId: "boot-2" });
  second.addReading(
    { point: "a01.humidity", at: 6, quality: "good", value: 41 },
    { monoMs: 9_000, synced: false },
  );
  second.commit();
  second.setOffset(NOON);
  second.setOffset(NOON + 5_000);
  expect(held(second)).toMatchObject([
    { monoMs: 10_000, synced: false, thisBoot: false, offsetMs: null },
    { monoMs: 9_000, synced: false, thisBoot: true, offsetMs: NOON },
  ]);
  second.close();
});

test("a commit the disk refuses throws, so that nobody takes it for kept", () => {
  const spool = temp.open();
  addReadings(spool, 1);
  const other = new Sqlite(temp.path);
  other.exec("DROP TABLE rows");
  other.close();
  expect(() => spool.commit()).toThrow();
});
