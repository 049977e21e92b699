import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openInfluxHistory } from "../../../hub/history/influx-history.ts";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import { type HistoryStore, type StoredReading, StoreError } from "../../../hub/history/store.ts";
import { type Influxd, startInfluxd } from "./influxd.ts";

const log = pino({ level: "silent" });
const never = new AbortController().signal;
const SIZE_MB = 96;
const START = Date.UTC(2026, 2, 1);
let disk: string;

beforeEach(() => {
  disk = mkdtempSync(path.join(tmpdir(), "plenum-full-"));
  if (process.getuid?.() !== 0)
    throw new Error("This test mounts a small file system: run it as root.");
  execFileSync("mount", ["-t", "tmpfs", "-o", `size=${SIZE_MB}m`, "tmpfs", disk]);
});
afterEach(() => {
  execFileSync("umount", ["--lazy", disk]);
  rmSync(disk, { recursive: true });
});

/** Fills the disk but for `freeKb`. */
function fill(freeKb: number): string {
  const { bavail, bsize } = statfsSync(disk);
  const file = path.join(disk, "filler");
  writeFileSync(file, Buffer.alloc(Math.max(0, bavail * bsize - freeKb * 1_024)));
  return file;
}

const batch = (n: number, fresh: boolean): StoredReading[] =>
  Array.from({ length: 5_000 }, (_, i) => ({
    node: "edge-a",
    reading: {
      point: fresh ? `p${n}-${i}.value` : `p${i % 50}.value`,
      at: START + n * 1_000_000 + Math.floor(i / 50) * 1_000,
      quality: "good",
      value: i / 7,
    },
  }));

/** Writes batches until one is refused; returns it and why. */
async function untilRefused(store: HistoryStore, from: number, fresh: boolean) {
  for (let n = from; n < from + 500; n += 1) {
    const rows = batch(n, fresh);
    const error = await store.write(rows).then(
      () => undefined,
      (failure: unknown) => failure,
    );
    if (error) return { n, rows, error };
  }
  return expect.fail("the disk did not fill");
}

async function countOf(store: HistoryStore, points: string[]) {
  let rows = 0;
  for (const point of points)
    rows += (await store.totals({ point, fromMs: 0, toMs: START * 2 })).rows;
  return rows;
}

test("InfluxDB on a full disk is retried, new series or known ones, and has every row once there is room", async () => {
  let influxd: Influxd | undefined;
  try {
    influxd = await startInfluxd({ within: disk });
    const store = openInfluxHistory({ url: influxd.url, database: "plenum", log });
    await store.prepare(never);
    await store.write(batch(0, false));
    const filler = fill(600);
    const known = await untilRefused(store, 1, false);
    expect(known.error).toBeInstanceOf(StoreError);
    expect(known.error).toMatchObject({ kind: "retry", poison: [] });
    expect(String(known.error)).toMatch(/no space left on device/);
    const fresh = await untilRefused(store, 1_000, true);
    expect(fresh.error).toMatchObject({ kind: "retry", poison: [] });
    expect(String(fresh.error)).toMatch(/no space left on device/);
    truncateSync(filler, 0);
    await influxd.restart();
    for (const { n, rows } of [known, fresh])
      await expect
        .poll(
          () =>
            store.write(rows).then(
              () => n,
              () => -1,
            ),
          { timeout: 15_000 },
        )
        .toBe(n);
    await influxd.kill("SIGKILL");
    await influxd.restart();
    const points = Array.from({ length: 50 }, (_, i) => `p${i}.value`);
    expect(await countOf(store, points)).toBe((known.n + 1) * 5_000);
    const last = Array.from({ length: 50 }, (_, i) => `p${fresh.n}-${i * 100}.value`);
    expect(await countOf(store, last)).toBe(50);
  } finally {
    await influxd?.stop();
  }
}, 60_000);

// Without the filler that makes a new log file begin, the rows confirmed since are gone after the kill.
test("InfluxDB wants a restart after its disk was full; what it confirms from then on outlives kill -9", async () => {
  let influxd: Influxd | undefined;
  try {
    influxd = await startInfluxd({ within: disk });
    const store = openInfluxHistory({ url: influxd.url, database: "plenum", log });
    await store.prepare(never);
    await store.write(batch(0, false));
    const filler = fill(600);
    const { n } = await untilRefused(store, 1, false);
    truncateSync(filler, 0);
    await expect(store.write(batch(n, false))).rejects.toMatchObject({
      kind: "retry",
      message: expect.stringMatching(/make room, then restart InfluxDB/),
    });
    await influxd.restart();
    for (let again = n; again < n + 4; again += 1) await store.write(batch(again, false));
    await influxd.kill("SIGKILL");
    await influxd.restart();
    const points = Array.from({ length: 50 }, (_, i) => `p${i}.value`);
    expect(await countOf(store, points)).toBe((n + 4) * 5_000);
    const left = new URLSearchParams({ db: "plenum", q: "SELECT count(text) FROM plenum_filler" });
    expect(await (await fetch(`${influxd.url}/query?${left}`)).text()).not.toContain("series");
  } finally {
    await influxd?.stop();
  }
}, 60_000);

test("SQLite on a full disk is retried, and has every row once there is room", async () => {
  const store = openSqliteHistory({ path: path.join(disk, "history.db"), log });
  await store.write(batch(0, false));
  const filler = fill(1_500);
  const { n, rows, error } = await untilRefused(store, 1, false);
  expect(error).toMatchObject({ kind: "retry", poison: [] });
  expect(String(error)).toMatch(/full/);
  truncateSync(filler, 0);
  await store.write(rows);
  const points = Array.from({ length: 50 }, (_, i) => `p${i}.value`);
  expect(await countOf(store, points)).toBe((n + 1) * 5_000);
  await store.close();
});
