import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SpoolEvent } from "../../../contract/message.ts";
import type { Spool } from "../../../edge/spool/spool.ts";
import { openStore, type Store } from "../../../edge/spool/store.ts";
import { SYNCED, silent, TempSpool } from "./temp-spool.ts";

const NOON = Date.UTC(2026, 5, 1, 12);
let temp: TempSpool;
beforeEach(() => {
  temp = new TempSpool();
});
afterEach(() => temp.remove());

function open(memoryOnly = false): Store {
  return openStore({
    path: temp.path,
    quotaBytes: 64 * 1024 * 1024,
    bootId: "boot-1",
    clock: temp.clock,
    log: silent,
    taken: SYNCED,
    memoryOnly,
  });
}

function add(spool: Spool, count: number, point = "p.0"): void {
  for (let i = 0; i < count; i += 1)
    spool.addReading({ point, at: NOON + i, quality: "good", value: i }, SYNCED);
  spool.commit();
}

/** Sends and acknowledges everything, as a hub does; returns what came, by epoch. */
function drain(spool: Spool, upTo = Number.POSITIVE_INFINITY): Map<string, unknown[]> {
  const seen = new Map<string, unknown[]>();
  for (let turn = 0; turn < upTo; turn += 1) {
    const { epoch } = spool;
    const batch = spool.batch(spool.floor, 7);
    if (!batch) break;
    const rows = batch.rows.flatMap((row) => ("skip" in row ? [] : [JSON.parse(row.payload)]));
    seen.set(epoch, [...(seen.get(epoch) ?? []), ...rows]);
    expect(spool.ack(epoch, batch.next - 1)).toBe(true);
  }
  return seen;
}

const what = (rows: unknown[] = []) =>
  rows.flatMap((row) => (Array.isArray(row) ? [] : [(row as { event: SpoolEvent }).event.what]));
const readings = (rows: unknown[] = []) => rows.filter((row) => Array.isArray(row)).length;

/** A file with 20 rows and a door's count, as a newer version left it. */
function newerFile(): { epoch: string; bytes: Buffer } {
  const spool = temp.open();
  add(spool, 20, "old.0");
  spool.count("source.door-a1", 40);
  const { epoch } = spool;
  spool.close();
  const db = new Sqlite(temp.path);
  db.exec("ALTER TABLE rows ADD COLUMN colour TEXT");
  db.pragma("user_version = 9");
  db.pragma("wal_checkpoint(TRUNCATE)");
  db.close();
  return { epoch, bytes: readFileSync(temp.path) };
}

test("a spool of a newer version is sent first and never written; new rows wait in a file of their own", () => {
  const { epoch, bytes } = newerFile();
  const { spool, durable } = open();
  add(spool, 5, "new.0");
  expect([durable, spool.epoch, spool.backlog]).toEqual([true, epoch, 26]);
  expect(spool.count("source.door-a1")).toBe(42);
  const seen = drain(spool);
  expect([...seen.keys()]).toHaveLength(2);
  expect(readings(seen.get(epoch))).toBe(20);
  expect(what(seen.get(spool.epoch))).toEqual(["spool-newer"]);
  expect(readings(seen.get(spool.epoch))).toBe(5);
  spool.close();
  expect(readFileSync(temp.path)).toEqual(bytes);
  const again = open();
  expect(again.spool.epoch).toBe(spool.epoch);
  again.spool.close();
});

test("rows taken while a newer version was away are sent once it is back, and their file goes", () => {
  const { epoch } = newerFile();
  const first = open().spool;
  add(first, 5, "new.0");
  first.close();
  const db = new Sqlite(temp.path);
  db.pragma("user_version = 1");
  db.close();
  const second = open().spool;
  add(second, 3, "newest.0");
  const seen = drain(second);
  expect([...seen.values()].map(readings)).toEqual([5, 23]);
  expect([...seen.keys()][1]).toBe(epoch);
  expect(second.count("source.door-a1")).toBe(42);
  second.close();
  expect(existsSync(`${temp.path}.format-1`)).toBe(false);
});

test("an old spool that was half drained goes on where the hub had acknowledged, after a restart", () => {
  newerFile();
  const first = open().spool;
  drain(first, 2);
  first.close();
  const second = open().spool;
  expect(second.floor).toBe(15);
  second.close();
});

test("a newer file that cannot be understood is left alone, and the node goes on beside it", () => {
  newerFile();
  const db = new Sqlite(temp.path);
  db.exec("DROP TABLE rows");
  db.close();
  const bytes = readFileSync(temp.path);
  const { spool } = open();
  expect(what([...drain(spool).values()].flat())).toEqual(["spool-newer"]);
  spool.close();
  expect(readFileSync(temp.path)).toEqual(bytes);
});

test("in memory only, what is on disk is still sent, nothing is written, and an event says so", () => {
  const before = temp.open();
  add(before, 20, "old.0");
  before.count("source.door-a1", 40);
  const { epoch } = before;
  before.close();
  const files = () => readdirSync(path.dirname(temp.path)).filter((name) => !name.endsWith("-shm"));
  const bytes = readFileSync(temp.path);
  const { spool, durable } = open(true);
  add(spool, 5, "new.0");
  expect(durable).toBe(false);
  expect(spool.count("source.door-a1")).toBe(42);
  const seen = drain(spool);
  expect(readings(seen.get(epoch))).toBe(20);
  expect(what(seen.get(spool.epoch))).toEqual(["not-durable"]);
  spool.close();
  expect(readFileSync(temp.path)).toEqual(bytes);
  expect(files().filter((name) => name.includes("format"))).toEqual([]);
});
