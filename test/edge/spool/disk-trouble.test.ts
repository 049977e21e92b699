import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createDiskTrouble, isDiskError } from "../../../edge/spool/disk-trouble.ts";
import { silent } from "./temp-spool.ts";

let folder: string;
let nowMs: number;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-trouble-"));
  nowMs = 1_000;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const IO = new Sqlite.SqliteError("disk I/O error", "SQLITE_IOERR_WRITE");
const start = (bootId = "boot-1", file = path.join(folder, "edge.restarts")) =>
  createDiskTrouble({ file, bootId, upMs: () => nowMs, log: silent });

test.each([
  ["an I/O error of SQLite", IO, true],
  ["a full disk", new Sqlite.SqliteError("full", "SQLITE_FULL"), true],
  ["a read-only disk", Object.assign(new Error("EROFS"), { code: "EROFS" }), true],
  ["a wrong statement", new Sqlite.SqliteError("no such table", "SQLITE_ERROR"), false],
  ["our own mistake", new TypeError("undefined is not a function"), false],
])("%s", (_name, error, isDisk) => {
  expect(isDiskError(error)).toBe(isDisk);
});

test("the third end by a refusing disk within 10 min means memory only, until 10 min have passed", () => {
  for (let end = 1; end <= 3; end += 1) {
    expect(start().memoryOnly()).toBe(false);
    nowMs += 60_000;
    start().note(IO);
  }
  expect(start().memoryOnly()).toBe(true);
  nowMs += 7 * 60_000 + 59_000;
  expect(start().memoryOnly()).toBe(true);
  nowMs += 2_000;
  expect(start().memoryOnly()).toBe(false);
});

test("three ends over half an hour, other errors, and ends before the machine's boot do not count", () => {
  for (let end = 1; end <= 4; end += 1) {
    nowMs += 301_000;
    start().note(IO);
    start().note(new Error("we are wrong"));
  }
  expect(start().memoryOnly()).toBe(false);
  for (let end = 1; end <= 3; end += 1) start().note(IO);
  expect(start().memoryOnly()).toBe(true);
  expect(start("boot-2").memoryOnly()).toBe(false);
});

test("a damaged file, or none that can be written, counts for nothing", () => {
  writeFileSync(path.join(folder, "edge.restarts"), '{"bootId":"boot-1","atMs":[1,');
  expect(start().memoryOnly()).toBe(false);
  const nowhere = path.join(folder, "missing", "edge.restarts");
  start("boot-1", nowhere).note(IO);
  expect(start("boot-1", nowhere).memoryOnly()).toBe(false);
});
