import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import type { StoredReading } from "../../../hub/history/store.ts";

const log = pino({ level: "silent" });
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plenum-history-"));
  file = path.join(folder, "history.db");
});
afterEach(() => rm(folder, { recursive: true }));

const row = (point: string, at: number): StoredReading => ({
  node: "edge-a",
  reading: { point, at, quality: "good", value: at / 7 },
});

test("a file of a newer version is refused with what to do, and left as it is", () => {
  const db = new Database(file);
  db.pragma("user_version = 99");
  db.close();
  expect(() => openSqliteHistory({ path: file, log })).toThrow(/newer Plenum \(schema 99/);
});

test("a file that is locked, and then free, is a retry and then a write", async () => {
  const store = openSqliteHistory({ path: file, log, busyMs: 1 });
  const other = new Database(file);
  other.exec("BEGIN IMMEDIATE");
  await expect(store.write([row("a01.t", 1)])).rejects.toMatchObject({
    kind: "retry",
    message: expect.stringMatching(/locked/),
  });
  other.exec("COMMIT");
  other.close();
  await store.write([row("a01.t", 1)]);
  const totals = await store.totals({ point: "a01.t", fromMs: 0, toMs: 10 });
  expect(totals.rows).toBe(1);
  await store.close();
});

test("a new point whose write failed is still found by its name after the retry", async () => {
  const store = openSqliteHistory({ path: file, log });
  const impossible = { ...row("a01.t", 2), reading: { ...row("a01.t", 2).reading, at: 0.5 } };
  await expect(store.write([row("a01.t", 1), impossible])).rejects.toThrow();
  await store.write([row("b01.t", 1)]);
  await store.write([row("a01.t", 1)]);
  for (const point of ["a01.t", "b01.t"])
    expect(await store.totals({ point, fromMs: 0, toMs: 10 })).toMatchObject({ rows: 1 });
  await store.close();
});

test("100,000 readings take under 30 bytes each", async () => {
  const store = openSqliteHistory({ path: file, log });
  for (let batch = 0; batch < 20; batch += 1) {
    await store.write(
      Array.from({ length: 5_000 }, (_, i) =>
        row(`a${i % 50}.inlet-top`, 1_767_225_600_000 + (batch * 100 + Math.floor(i / 50)) * 1_000),
      ),
    );
  }
  await store.close();
  expect((await stat(file)).size / 100_000).toBeLessThan(30);
});
