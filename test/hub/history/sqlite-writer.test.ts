import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { monitorEventLoopDelay } from "node:perf_hooks";
import Database from "better-sqlite3";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openSqliteHistory } from "../../../hub/history/sqlite-history.ts";
import { SqliteThread, ThreadError } from "../../../hub/history/sqlite-thread.ts";
import type { HistoryStore } from "../../../hub/history/store.ts";
import { until } from "../../system/until.ts";
import { good } from "./places.ts";

const log = pino({ level: "silent" });
let folder: string;
let file: string;
let store: HistoryStore;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "plenum-writer-"));
  file = path.join(folder, "history.db");
  store = openSqliteHistory({ path: file, log, busyMs: 3_000 });
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

const rowsOf = async (point: string) =>
  (await store.totals({ point, fromMs: 0, toMs: 1_000_000 })).rows;

test("while a write waits for the file for 200 timers, none of them waits for 500 ms", async () => {
  const other = new Database(file);
  other.exec("BEGIN IMMEDIATE");
  const delay = monitorEventLoopDelay({ resolution: 5 });
  const written = store.write([good("a01.t", 1, 20)]);
  delay.enable();
  await until("200 timers", () => delay.count >= 200 || undefined);
  delay.disable();
  other.exec("COMMIT");
  other.close();
  await written;
  expect(delay.max / 1e6).toBeLessThan(500);
  expect(await rowsOf("a01.t")).toBe(1);
});

test("a write that was begun is durable when the store has closed", async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => good(`p${i % 100}.t`, i, i));
  const written = store.write(rows);
  await store.close();
  await written;
  const db = new Database(file, { readonly: true });
  expect(db.prepare("SELECT count(*) FROM reading").pluck().get()).toBe(20_000);
  db.close();
});

test("a write after the store has closed is a retry, so that nothing of it counts as stored", async () => {
  await store.close();
  await expect(store.write([good("a01.t", 1, 20)])).rejects.toMatchObject({ kind: "retry" });
});

test("several writes at once keep the names of their points apart, also when one in between fails", async () => {
  const broken = good("broken.t", 0.5, 1);
  const answers = await Promise.allSettled([
    store.write([good("a01.t", 1, 1), good("b01.t", 1, 2)]),
    store.write([good("c01.t", 1, 3), broken]),
    store.write([good("a01.t", 2, 1), good("c01.t", 2, 3)]),
    store.write([good("d01.t", 1, 4), good("b01.t", 2, 2)]),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([
    ...["fulfilled", "rejected", "fulfilled", "fulfilled"],
  ]);
  await store.write([good("d01.t", 2, 4), good("c01.t", 3, 3)]);
  const counted = ["a01.t", "b01.t", "c01.t", "d01.t", "broken.t"].map(rowsOf);
  expect(await Promise.all(counted)).toEqual([2, 2, 2, 2, 0]);
  expect(await store.totals({ point: "c01.t", fromMs: 0, toMs: 10 })).toMatchObject({ sum: 6 });
});

test("a thread that dies rejects what it was given, and the next job finds a new one", async () => {
  let lost = 0;
  const thread = new SqliteThread({
    ...{ path: file, busyMs: 1_000 },
    program: `function work(job) { if (job === "die") process.exit(1); return job + more.n; }`,
    more: { n: 1 },
    onLost: () => {
      lost += 1;
    },
  });
  expect(await thread.do(1)).toBe(2);
  const dying = [thread.do("die"), thread.do(2)];
  for (const answer of dying) await expect(answer).rejects.toBeInstanceOf(ThreadError);
  expect(lost).toBe(1);
  expect(await thread.do(3)).toBe(4);
  await thread.finish();
});

test("the 201st job that waits is refused; those before it are done", async () => {
  const thread = new SqliteThread({
    ...{ path: file, busyMs: 1_000 },
    program: "function work(job) { return job; }",
  });
  const jobs = Array.from({ length: 200 }, (_, i) => thread.do(i));
  await expect(thread.do(200)).rejects.toThrow(/too much is asked/);
  expect((await Promise.all(jobs)).length).toBe(200);
  await thread.finish();
});
