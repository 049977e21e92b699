import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import { Coverage } from "../../../hub/history/coverage.ts";
import { HistoryReader } from "../../../hub/history/history-reader.ts";
import { openInfluxHistory } from "../../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import type { HistoryStore, StoredReading } from "../../../hub/history/store.ts";
import { historyRange } from "../../../hub/http/history-step.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { type Influxd, startInfluxd } from "./influxd.ts";
import { good } from "./places.ts";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const log = pino({ level: "silent" });
const never = new AbortController().signal;
const NOW = Math.floor(Date.now() / HOUR) * HOUR;
/** As long as a name may be. */
const longName = (i: number) => `${"x".repeat(55)}-${i}.val`.slice(-64);
const manyNames = Array.from({ length: 1_000 }, (_, i) => longName(i));

/** A day of one point every 10 s and of a thousand every 10 min; two years of hourly rollups of 6. */
async function fill(store: HistoryStore): Promise<void> {
  const rows: StoredReading[] = [];
  for (let at = NOW - DAY; at < NOW; at += 10_000) rows.push(good("a01.t", at, at % 97));
  for (const name of manyNames)
    for (let at = NOW - DAY; at < NOW; at += 600_000) rows.push(good(name, at, 1));
  for (let i = 0; i < rows.length; i += 5_000) await store.write(rows.slice(i, i + 5_000));
  for (const point of ["a01.t", ...manyNames.slice(0, 5)]) {
    const hours = Array.from({ length: (2 * YEAR) / HOUR }, (_, i) => ({
      point,
      aggregate: { at: NOW - (i + 1) * HOUR, low: 1, high: 3, sum: 2, good: 1, rows: 1 },
    }));
    for (let i = 0; i < hours.length; i += 5_000)
      await store.saveRollups("1h", hours.slice(i, i + 5_000));
  }
}

describe.each(["SQLite", "InfluxDB"])("what may be asked of %s", (kind) => {
  let influxd: Influxd | undefined;
  let folder: string;
  let store: HistoryStore;
  let reader: HistoryReader;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), "plenum-guards-"));
    if (kind === "SQLite") store = openSqliteHistory({ path: path.join(folder, "h.db"), log });
    else {
      influxd = await startInfluxd();
      const influx = openInfluxHistory({ url: influxd.url, database: "plenum", log });
      await influx.prepare(never);
      store = influx;
    }
    await fill(store);
    const coverage = new Coverage(openHubDb(":memory:"));
    reader = new HistoryReader({ store, coverage, clock: systemClock });
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await influxd?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Resident memory of whoever keeps the store, in MB: for SQLite that is this process. */
  const rssMb = () => {
    const status = readFileSync(`/proc/${influxd?.pid() ?? process.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1_024;
  };
  const ask = (asked: { from: number; step?: number }) =>
    reader.history({
      point: "a01.t",
      ...historyRange({ to: NOW, ...asked }, { periodMs: 10_000, nowMs: NOW }),
    });

  test("ten years in steps of 1 ms are refused with the step that works; without a step they are coarse", async () => {
    const from = NOW - 10 * YEAR;
    expect(() => historyRange({ from, to: NOW, step: 1 }, { periodMs: 1, nowMs: NOW })).toThrow(
      /gives more than 2000 buckets.*allowed here: \d+s or more/,
    );
    const buckets = await ask({ from });
    expect(buckets.length).toBeGreaterThan(20);
    expect(buckets.length).toBeLessThanOrEqual(500);
    expect(buckets.reduce((sum, { count }) => sum + count, 0)).toBeGreaterThan(17_000);
  });

  test("10,000 points, or a thousand in 2,000 buckets each, are refused before the store is asked", async () => {
    const range = { tier: "raw", fromMs: NOW - DAY, toMs: NOW, stepMs: HOUR } as const;
    const points = Array.from({ length: 10_000 }, (_, i) => `p${i}.t`);
    await expect(store.aggregate({ ...range, points })).rejects.toThrow(
      /10000 points.*at most 1000/,
    );
    const fine = { ...range, points: manyNames, stepMs: 60_000 };
    await expect(store.aggregate(fine)).rejects.toThrow(/1440000 buckets of 1000 points/);
  });

  test("a thousand points with names of 64 characters are answered, and the store grows by less than 200 MB", async () => {
    const before = rssMb();
    const query = {
      tier: "raw",
      points: manyNames,
      fromMs: NOW - DAY,
      toMs: NOW,
      stepMs: HOUR,
    } as const;
    for (let i = 0; i < 3; i += 1) {
      const found = await store.aggregate(query);
      expect(found.size).toBe(1_000);
      expect(found.get(longName(7))?.every(({ rows }) => rows === 6)).toBe(true);
    }
    expect(rssMb() - before).toBeLessThan(200);
  });

  test.each([
    [".*"],
    ["a01.t|b01.t"],
    ["'; DROP MEASUREMENT point; --"],
    ["\\"],
    ["\\' OR '1'='1"],
    ["/.*/"],
    ['") OR 1=1 --'],
  ])(
    "the name %s is no pattern and no statement: it finds nothing and changes nothing",
    async (name) => {
      const range = { fromMs: NOW - DAY, toMs: NOW };
      const found = await store.aggregate({ tier: "raw", points: [name], ...range, stepMs: HOUR });
      expect(found.size).toBe(0);
      expect(await store.totals({ point: name, ...range })).toMatchObject({ rows: 0 });
      expect(
        await store.holes({ point: name, ...range, longerThanMs: HOUR, limit: 5 }),
      ).toHaveLength(1);
      expect((await store.totals({ point: "a01.t", ...range })).rows).toBe(8_640);
    },
  );

  test("while two years of 6 points are asked for over and over, a write takes under 1 s and timers under 250 ms", async () => {
    const points = ["a01.t", ...manyNames.slice(0, 5)];
    const query = {
      tier: "1h",
      points,
      fromMs: NOW - 2 * YEAR,
      toMs: NOW,
      stepMs: 12 * HOUR,
    } as const;
    const lag = monitorEventLoopDelay({ resolution: 5 });
    let answers = 0;
    let asking = true;
    const asked = (async () => {
      while (asking && answers < 10_000) answers += (await store.aggregate(query)).size;
    })();
    const took: number[] = [];
    lag.enable();
    try {
      for (let i = 0; i < 20 || (answers === 0 && i < 500); i += 1) {
        const began = performance.now();
        await store.write(manyNames.slice(0, 100).map((name) => good(name, NOW + i, i)));
        took.push(performance.now() - began);
      }
    } finally {
      lag.disable();
      asking = false;
    }
    await asked;
    expect(answers).toBeGreaterThan(0);
    expect(Math.max(...took)).toBeLessThan(1_000);
    expect(lag.max / 1e6).toBeLessThan(250);
  });
});
