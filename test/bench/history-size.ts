/**
 * How much disk history takes: bytes a row and MB a day for 1,000 points every 10 s, in SQLite and in
 * InfluxDB, readings and both kinds of rollups. Values look like a sensor's: a slow wave with noise, to 0.01.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { FIVE_MIN_MS, HOUR_MS, mergeInto } from "../../hub/history/aggregate.ts";
import { openInfluxHistory } from "../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../hub/history/sqlite-history.ts";
import type { HistoryStore, StoredReading } from "../../hub/history/store.ts";
import { type Influxd, startInfluxd } from "../hub/history/influxd.ts";
import { report } from "./usage.ts";

const POINTS = Number(process.env.BENCH_POINTS ?? 100);
const HOURS = Number(process.env.BENCH_HOURS ?? 24);
const PERIOD_MS = 10_000;
const DAY_MS = 24 * HOUR_MS;
/** What the figures a day are for. */
const SITE = { points: 1_000, periodMs: 10_000 };
const log = pino({ level: "silent" });
const from = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
const names = Array.from({ length: POINTS }, (_, i) => `rack-${i}.inlet-top`);
type Kind = "raw" | "5m" | "1h";

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
try {
  for (const kind of ["raw", "5m", "1h"] as const) {
    await sqliteSize(kind);
    await influxSize(kind);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

async function sqliteSize(kind: Kind): Promise<void> {
  const file = path.join(folder, `${kind}.db`);
  const store = openSqliteHistory({ path: file, log });
  const rows = await fill(store, kind);
  await store.close();
  tell("sqlite", kind, { rows, bytes: statSync(file).size });
}

/** Once influxd has moved its log into files: it does so when it is backed up. */
async function influxSize(kind: Kind): Promise<void> {
  const influxd = await startInfluxd();
  try {
    const store = openInfluxHistory({ url: influxd.url, database: "plenum", log });
    await store.prepare(new AbortController().signal);
    const rows = await fill(store, kind);
    const database = kind === "raw" ? "plenum" : `plenum_${kind}`;
    execFileSync(
      "influxd",
      ["backup", "-portable", "-host", influxd.rpc, path.join(folder, kind)],
      {
        stdio: "ignore",
      },
    );
    tell("influxdb", kind, { rows, bytes: sizeOf(influxd, database) });
  } finally {
    await influxd.stop();
  }
}

/** Of the files that grow; each database has 34 MB of series and index files besides. */
function sizeOf({ folder: top }: Influxd, database: string): number {
  return readdirSync(path.join(top, "data", database), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".tsm"))
    .reduce((sum, { parentPath, name }) => sum + statSync(path.join(parentPath, name)).size, 0);
}

async function fill(store: HistoryStore, kind: Kind): Promise<number> {
  let count = 0;
  for (let at = from; at < from + HOURS * HOUR_MS; at += 60_000) {
    const rows = minute(at);
    if (kind === "raw") await store.write(rows);
    count += rows.length;
  }
  return kind === "raw" ? count : rollups(store, kind);
}

/** Six rounds of all points. */
function minute(from: number): StoredReading[] {
  return Array.from({ length: 6 }, (_, round) => from + round * PERIOD_MS).flatMap((at) =>
    names.map((point, i) => ({
      node: `edge-${i % 10}`,
      reading: { point, at, quality: "good", value: value(at, i) },
    })),
  );
}

function value(at: number, i: number): number {
  const wave = 22 + 3 * Math.sin(at / 5_000_000 + i) + 0.05 * Math.sin(at * 7.77 + i * 3.3);
  return Math.round(wave * 100) / 100;
}

async function rollups(store: HistoryStore, kind: "5m" | "1h"): Promise<number> {
  let count = 0;
  for (let hour = from; hour < from + HOURS * HOUR_MS; hour += HOUR_MS)
    for (const [i, point] of names.entries()) {
      const parts = Array.from({ length: 360 }, (_, n) => {
        const at = hour + n * PERIOD_MS;
        const now = value(at, i);
        return { at, low: now, high: now, sum: now, good: 1, rows: 1 };
      });
      const found = mergeInto(kind === "5m" ? FIVE_MIN_MS : HOUR_MS, parts);
      await store.saveRollups(
        kind,
        found.map((aggregate) => ({ point, aggregate })),
      );
      count += found.length;
    }
  return count;
}

function tell(store: string, kind: Kind, { rows, bytes }: { rows: number; bytes: number }): void {
  const stepMs = { raw: SITE.periodMs, "5m": FIVE_MIN_MS, "1h": HOUR_MS }[kind];
  const bytesPerRow = bytes / rows;
  const mbPerDay = (bytesPerRow * SITE.points * (DAY_MS / stepMs)) / 1e6;
  report({ bench: "history-size", store, kind, rows, bytesPerRow, mbPerDay });
}
