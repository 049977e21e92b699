/**
 * What it costs the hub to keep readings: CPU seconds of this process per million readings, for the
 * embedded store and for InfluxDB, in batches as the ingest writes them (5,000 rows of 1,000 points).
 */
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { openInfluxHistory } from "../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../hub/history/sqlite-history.ts";
import type { HistoryStore, StoredReading } from "../../hub/history/store.ts";
import { startInfluxd } from "../hub/history/influxd.ts";
import { percentile, report } from "./usage.ts";

const POINTS = Number(process.env.BENCH_POINTS ?? 1_000);
const ROWS = Number(process.env.BENCH_ROWS ?? 1_000_000);
const BATCH = 5_000;
const log = pino({ level: "silent" });
const names = Array.from({ length: POINTS }, (_, i) => `rack-${i}.inlet-top`);

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const influxd = await startInfluxd();
try {
  const file = path.join(folder, "history.db");
  await measure(openSqliteHistory({ path: file, log }));
  report({ bench: "history-file", bytesPerRow: statSync(file).size / ROWS });
  const influx = openInfluxHistory({ url: influxd.url, database: "bench", log });
  await influx.prepare(new AbortController().signal);
  await measure(influx);
} finally {
  await influxd.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measure(store: HistoryStore): Promise<void> {
  const took: number[] = [];
  const before = process.cpuUsage();
  const began = performance.now();
  for (let from = 0; from < ROWS; from += BATCH) {
    const rows = batch(from);
    const start = performance.now();
    await store.write(rows);
    took.push(performance.now() - start);
  }
  const wallS = (performance.now() - began) / 1_000;
  const { user, system } = process.cpuUsage(before);
  await store.close();
  report({
    bench: "history-write",
    ...{ store: store.kind, points: POINTS, rows: ROWS, rowsPerS: ROWS / wallS },
    cpuSPerMillion: user / ROWS + system / ROWS,
    userSPerMillion: user / ROWS,
    writeP50Ms: percentile(took, 0.5),
    writeP99Ms: percentile(took, 0.99),
    writeMaxMs: Math.max(...took),
  });
}

/** Rounds of all points, each a second after the one before. */
function batch(from: number): StoredReading[] {
  return Array.from({ length: BATCH }, (_, i) => {
    const n = from + i;
    const at = 1_767_225_600_000 + Math.floor(n / POINTS) * 1_000;
    const value = Math.round((20 + Math.sin(n) * 3) * 100) / 100;
    const point = names[n % POINTS] ?? "";
    return { node: "edge-a", reading: { point, at, quality: "good", value } };
  });
}
