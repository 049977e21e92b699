import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Bucket } from "../../../contract/api.ts";
import { Coverage } from "../../../hub/history/coverage.ts";
import { HistoryReader } from "../../../hub/history/history-reader.ts";
import { markingWrites } from "../../../hub/history/marking-store.ts";
import { rollUpSome, runRollups } from "../../../hub/history/rollup-job.ts";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import { type AggregateQuery, type HistoryStore, StoreError } from "../../../hub/history/store.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const log = pino({ level: "silent" });
const { signal } = new AbortController();
let folder: string;
let clock: FakeClock;
let db: HubDb;
let store: HistoryStore;
let coverage: Coverage;
let asked: AggregateQuery[];
let reader: HistoryReader;
let now: number;

beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plenum-upkeep-"));
  clock = new FakeClock(Date.UTC(2026, 5, 1, 12, 30));
  now = clock.nowMs();
  db = openHubDb(":memory:");
  store = openSqliteHistory({ path: path.join(folder, "history.db"), log, clock });
  coverage = new Coverage(db);
  asked = [];
  const aggregate: HistoryStore["aggregate"] = (query) => {
    asked.push(query);
    return store.aggregate(query);
  };
  reader = new HistoryReader({ store: { kind: "sqlite", aggregate }, coverage, clock });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** Stores a value every `everyMs` of a point, through the same way as the hub does. */
async function fill(point: string, range: { from: number; to: number; everyMs?: number }) {
  const { from, to, everyMs = 60_000 } = range;
  const rows = [];
  for (let at = from; at < to; at += everyMs)
    rows.push({
      node: "edge-a",
      reading: { point, at, quality: "good", value: (at / 60_000) % 97 } as const,
    });
  await markingWrites(store, coverage).write(rows);
}
const deps = () => ({ store, coverage, clock, log });
async function rollUpAll() {
  while ((await rollUpSome(deps(), signal)) > 0);
}
const hoursOf = (tier: "5m" | "1h", point = "a01.t") =>
  store
    .aggregate({ tier, points: [point], fromMs: now - 40 * DAY, toMs: now, stepMs: HOUR })
    .then((found) => found.get(point) ?? []);
/** What the readings themselves say, in steps. */
async function exact(range: { fromMs: number; toMs: number; stepMs: number }): Promise<Bucket[]> {
  const found = await store.aggregate({ tier: "raw", points: ["a01.t"], ...range });
  return (found.get("a01.t") ?? []).map(({ at, low, high, sum, good }) => ({
    ...{ at, min: low, max: high, mean: sum / good, count: good },
  }));
}
const near = (buckets: Bucket[]) =>
  buckets.map((bucket) => ({ ...bucket, mean: expect.closeTo(bucket.mean, 6) as number }));

describe("rollups", () => {
  test("finished hours are rolled up 5 min after their end; the running one is not", async () => {
    await fill("a01.t", { from: now - 3 * HOUR, to: now });
    await rollUpAll();
    expect((await hoursOf("1h")).map(({ rows }) => rows)).toEqual([30, 60, 60]);
    expect((await hoursOf("5m")).map(({ rows }) => rows)).toEqual([30, 60, 60]);
    expect(coverage.count()).toBe(1);
    await clock.advance(34 * 60_000);
    await rollUpAll();
    expect(coverage.count()).toBe(1);
    await clock.advance(60_000);
    await rollUpAll();
    expect(coverage.count()).toBe(0);
  });

  test("late rows of an old hour change its rollup; the good fraction tells of bad ones", async () => {
    const from = now - 20 * DAY - 30 * 60_000;
    await fill("a01.t", { from, to: from + HOUR });
    await rollUpAll();
    await fill("a01.t", { from: from + 30_000, to: from + HOUR });
    await markingWrites(store, coverage).write([
      { node: "e", reading: { point: "a01.t", at: from + 1, quality: "bad", reason: "bus" } },
    ]);
    await rollUpAll();
    expect(await hoursOf("1h")).toMatchObject([{ good: 120, rows: 121 }]);
  });

  test("an hour whose readings are nearly 90 days old keeps the rollup it has", async () => {
    const at = now - 89.5 * DAY;
    await fill("a01.t", { from: at, to: at + 60_000 });
    await rollUpAll();
    expect(coverage.count()).toBe(0);
    const range = { fromMs: at - HOUR, toMs: at + HOUR, stepMs: HOUR };
    const kept = await store.aggregate({ tier: "1h", points: ["a01.t"], ...range });
    expect(kept.size).toBe(0);
  });

  test("a store that is away is asked again a minute later, and nothing is forgotten", async () => {
    await fill("a01.t", { from: now - 3 * HOUR, to: now - 2 * HOUR });
    let failing = true;
    const away = async () => {
      throw new StoreError("retry", "away");
    };
    const flaky = {
      aggregate: (query: AggregateQuery) => (failing ? away() : store.aggregate(query)),
      saveRollups: store.saveRollups.bind(store),
      dropOld: store.dropOld.bind(store),
    };
    const stop = new AbortController();
    const running = runRollups({ ...deps(), store: flaky }, stop.signal);
    await clock.advance(120_000);
    expect(coverage.count()).toBe(2);
    failing = false;
    await clock.advance(60_000);
    const left = () => clock.advance(1_000).then(() => coverage.count());
    await expect.poll(left, { timeout: 15_000 }).toBe(0);
    stop.abort();
    await running;
    expect(await hoursOf("1h")).toHaveLength(2);
  });
});

describe("questions", () => {
  test("a month in hours comes from rollups but for its ragged ends, and equals the readings", async () => {
    await fill("a01.t", { from: now - 30 * DAY, to: now, everyMs: 300_000 });
    await rollUpAll();
    const range = { fromMs: now - 29 * DAY + 17 * 60_000, toMs: now - 7_000, stepMs: HOUR };
    expect(await reader.history({ point: "a01.t", ...range })).toEqual(near(await exact(range)));
    expect(asked.filter(({ tier }) => tier === "1h")).toHaveLength(1);
    const rawMs = asked
      .filter(({ tier }) => tier === "raw")
      .reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    expect(rawMs).toBeLessThan(3 * HOUR);
  });

  test("an hour with late rows that are not rolled up yet is taken from the readings", async () => {
    await fill("a01.t", { from: now - 10 * DAY, to: now, everyMs: 300_000 });
    await rollUpAll();
    await fill("a01.t", { from: now - 5 * DAY, to: now - 5 * DAY + 2 * HOUR, everyMs: 1_000 });
    const range = { fromMs: now - 9 * DAY, toMs: now, stepMs: 6 * HOUR };
    expect(await reader.history({ point: "a01.t", ...range })).toEqual(near(await exact(range)));
  });

  test.each([
    ["two days", 2 * DAY, HOUR, "raw"],
    ["three days in 5 min", 3 * DAY, 300_000, "5m"],
    ["three days in 7 min", 3 * DAY, 420_000, "raw"],
    ["three days in hours", 3 * DAY, HOUR, "1h"],
    ["a year in days", 365 * DAY, DAY, "1h"],
  ])("%s are asked of the tier that fits", async (_, rangeMs, stepMs, tier) => {
    await reader.history({ point: "a01.t", fromMs: now - rangeMs, toMs: now, stepMs });
    const widest = asked.sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs))[0];
    expect(widest?.tier).toBe(tier);
  });

  test("2,001 buckets are refused before the store is asked", async () => {
    const question = { point: "a01.t", fromMs: now - 2_001 * HOUR, toMs: now, stepMs: HOUR };
    await expect(reader.history(question)).rejects.toThrow(RangeError);
    expect(asked).toEqual([]);
  });

  test("readings of years that are gone are still there as hours", async () => {
    const at = Math.floor((now - 800 * DAY) / HOUR) * HOUR;
    const aggregate = { at, low: 1, high: 3, sum: 8, good: 4, rows: 5 };
    await store.saveRollups("1h", [{ point: "a01.t", aggregate }]);
    const range = { fromMs: now - 900 * DAY, toMs: now, stepMs: DAY };
    expect(await reader.history({ point: "a01.t", ...range })).toEqual([
      { at: Math.floor(at / DAY) * DAY, min: 1, max: 3, mean: 2, count: 4 },
    ]);
  });
});

test("A long question does not keep the ingest waiting", async () => {
  const rows = (from: number) =>
    Array.from({ length: 5_000 }, (_, i) => ({
      node: "edge-a",
      reading: { point: "a01.t", at: from + i * 100, quality: "good", value: i } as const,
    }));
  for (let i = 0; i < 60; i += 1) await store.write(rows(now + i * 500_000));
  const range = { fromMs: now, toMs: now + 60 * 500_000, stepMs: 60_000 };
  let answered = false;
  const answer = store.aggregate({ tier: "raw", points: ["a01.t"], ...range }).then(() => {
    answered = true;
  });
  await store.write(rows(now - 500_000));
  expect(answered).toBe(false);
  await answer;
});
