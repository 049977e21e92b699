import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import type { Bucket } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import { bucketsOf } from "../../../hub/history/aggregate.ts";
import { openInfluxHistory } from "../../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import type { HistoryStore, StoredReading } from "../../../hub/history/store.ts";
import { type Influxd, startInfluxd } from "./influxd.ts";

const log = pino({ level: "silent" });

/** Where a store keeps its data; opened again it is the same store. */
export interface Place {
  open(): Promise<HistoryStore>;
  remove(): Promise<void>;
}

/** A file in a folder of its own. */
async function sqlitePlace(): Promise<Place> {
  const folder = await mkdtemp(path.join(tmpdir(), "plenum-history-"));
  return {
    open: async () => openSqliteHistory({ path: path.join(folder, "history.db"), log }),
    remove: () => rm(folder, { recursive: true }),
  };
}

/** A real InfluxDB of its own. */
async function influxPlace(): Promise<Place> {
  const influxd: Influxd = await startInfluxd();
  return {
    async open() {
      const store = openInfluxHistory({
        url: influxd.url,
        database: "plenum",
        log,
        clock: systemClock,
      });
      await store.prepare(new AbortController().signal);
      return store;
    },
    remove: () => influxd.stop(),
  };
}

/** Every store that must keep the contract. */
export const PLACES: [string, () => Promise<Place>][] = [
  ["SQLite", sqlitePlace],
  ["InfluxDB", influxPlace],
];

/** Buckets of the good readings themselves. */
export async function rawBuckets(
  store: HistoryStore,
  { point, ...range }: { point: string; fromMs: number; toMs: number; stepMs: number },
): Promise<Bucket[]> {
  const found = await store.aggregate({ tier: "raw", points: [point], ...range });
  return bucketsOf(found.get(point) ?? []);
}

export const good = (point: string, at: number, value: number): StoredReading => ({
  node: "edge-a",
  reading: { point, at, quality: "good", value },
});
