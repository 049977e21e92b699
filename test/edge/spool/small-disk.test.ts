import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Sqlite from "better-sqlite3";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { NodeEvent } from "../../../contract/message.ts";
import { parseRow } from "../../../contract/row.ts";
import { createDiskTrouble, isDiskError, TROUBLES } from "../../../edge/spool/disk-trouble.ts";
import { openSpool } from "../../../edge/spool/open.ts";
import type { SqliteSpool } from "../../../edge/spool/sqlite-spool.ts";
import { openStore } from "../../../edge/spool/store.ts";
import { freeBytesOf, keepSpool } from "../../../edge/spool-keeper.ts";
import { FakeClock } from "../../fake-clock.ts";
import { until } from "../../system/until.ts";
import { LoopDisk, whyNoLoopDisk } from "./loop-disk.ts";
import { SYNCED, silent } from "./temp-spool.ts";

const HOUR_MS = 3_600_000;
const COMMIT_MS = 2_000;
const whyNot = whyNoLoopDisk();
if (whyNot !== undefined)
  process.stderr.write(`\nFULL AND FAILING DISKS ARE NOT TESTED ON A DISK (${whyNot}).\n`);

const clock = () => new FakeClock(Date.UTC(2026, 5, 1));
let disk: LoopDisk;
let stop: AbortController;
let after: (() => unknown)[];
beforeEach(() => {
  if (whyNot === undefined) disk = new LoopDisk(128);
  stop = new AbortController();
  after = [];
});
afterEach(async () => {
  stop.abort();
  for (const work of after.splice(0)) await work();
  if (whyNot === undefined) disk.remove();
});

/** A test on a real small disk; where none can be made, continuous integration fails and others are told. */
function onDisk(name: string, work: () => Promise<void>): void {
  test(name, async () => {
    if (whyNot === undefined) return work();
    expect(process.env.CI, whyNot).not.toBe("true");
  });
}

function open(time: FakeClock): SqliteSpool {
  const spool = openSpool({
    ...{ path: path.join(disk.folder, "spool.db"), quotaBytes: 100 * 2 ** 20 },
    ...{ bootId: "boot-1", clock: time, log: silent, taken: SYNCED },
  });
  after.push(() => closeOnBadDisk(spool));
  return spool;
}

/** What is pending cannot be kept any more; the file is closed all the same. */
function closeOnBadDisk(spool: SqliteSpool): void {
  try {
    spool.close();
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError)) throw error;
  }
}

/** Runs the node's own keeper on this disk; `windows` lets that many commit windows pass. */
function keep(spool: SqliteSpool, time: FakeClock) {
  const event = (happened: NodeEvent) => spool.addEvent(happened, SYNCED);
  let asked = 0;
  const free = freeBytesOf(path.join(disk.folder, "spool.db"));
  const kept = keepSpool(
    {
      ...{ spool, readings: { taken: () => SYNCED, event }, commitEveryMs: COMMIT_MS },
      ...{ onRows: () => undefined, clock: time, log: silent },
      freeBytes: () => free().finally(() => (asked += 1)),
    },
    stop.signal,
  );
  const ended = kept.then(
    () => undefined,
    (error: unknown) => error,
  );
  after.unshift(() => ended);
  const windows = async (count: number) => {
    for (let i = 0; i < count; i += 1) {
      const wanted = asked + 1;
      await time.advance(COMMIT_MS);
      await until("the disk asked", () => asked >= wanted);
      await time.advance(0);
    }
  };
  return { windows, ended };
}

const events = (spool: SqliteSpool): NodeEvent[] =>
  (spool.batch(0, 1_000_000)?.rows ?? []).flatMap((row) => {
    if ("skip" in row || row.kind !== "event") return [];
    const parsed = parseRow(JSON.parse(row.payload));
    return parsed.kind === "event" && parsed.event.type === "node" ? [parsed.event] : [];
  });

function addReadings(spool: SqliteSpool, count: number, fromMs: number, everyMs: number): void {
  for (let i = 0; i < count; i += 1)
    spool.addReading(
      { point: `p.${i % 10}`, at: fromMs + i * everyMs, quality: "good", value: i },
      SYNCED,
    );
  spool.commit();
}

onDisk(
  "with less than 64 MB free, 50,000 old readings are thinned, each loss declared, and an event says so",
  async () => {
    const time = clock();
    const spool = open(time);
    addReadings(spool, 50_000, time.nowMs() - 20 * HOUR_MS, 100);
    const { windows } = keep(spool, time);
    await windows(1);
    expect(events(spool)).toEqual([]);
    disk.fill(58);
    await windows(30);
    const found = events(spool);
    const low = found.filter(({ what }) => what === "disk-low");
    expect(low.map(({ detail }) => detail)).toEqual([
      expect.stringMatching(/^5\d MB free on the spool's disk$/),
    ]);
    const gone = found.filter(({ what }) => what === "gap");
    const lost = gone.reduce((sum, { count = 0 }) => sum + count, 0);
    expect(lost).toBeGreaterThan(20_000);
    expect(spool.backlog).toBe(50_000 - lost + found.length);
  },
);

onDisk(
  "with less than 16 MB free events are kept and readings are not; once there is room a gap says which",
  async () => {
    const time = clock();
    const spool = open(time);
    const { windows } = keep(spool, time);
    disk.fill(9);
    await windows(1);
    expect(spool.keeping).toBe(false);
    const before = spool.backlog;
    addReadings(spool, 20, time.nowMs(), 1_000);
    spool.addEvent({ type: "node", what: "started", at: time.nowMs(), detail: "x" }, SYNCED);
    await windows(1);
    expect(spool.backlog).toBe(before + 1);
    disk.empty();
    await windows(1);
    expect(spool.keeping).toBe(true);
    const found = events(spool);
    expect(found.filter(({ what }) => what === "disk-low").map(({ detail }) => detail)).toEqual([
      expect.stringMatching(
        /^\d+ MB free on the spool's disk; readings are not kept until there is more$/,
      ),
    ]);
    const gaps = found.filter(({ what }) => what === "gap");
    expect(gaps).toHaveLength(10);
    expect(gaps.reduce((sum, { count = 0 }) => sum + count, 0)).toBe(20);
  },
);

onDisk("a disk without a byte left ends the program with an error of the disk", async () => {
  const time = clock();
  const spool = open(time);
  const { ended } = keep(spool, time);
  disk.fill(0);
  const flood = () => addReadings(spool, 50_000, time.nowMs(), 1);
  expect(() => {
    for (let i = 0; i < 20; i += 1) flood();
  }).toThrow(/full/);
  await time.advance(COMMIT_MS);
  expect(isDiskError(await ended)).toBe(true);
});

const FAILURES: [string, () => void][] = [
  ["a disk that answers with I/O errors", () => disk.die()],
  ["a disk that the kernel made read-only", () => disk.turnReadOnly()],
];
for (const [name, fail] of FAILURES)
  onDisk(
    `${name} ends the program; the fourth start within 10 min keeps rows in memory and says so`,
    async () => {
      const time = clock();
      const memoryFolder = mkdtempSync(path.join(tmpdir(), "plenum-run-"));
      after.push(() => rmSync(memoryFolder, { recursive: true }));
      const spool = open(time);
      addReadings(spool, 10, time.nowMs(), 1_000);
      const { ended } = keep(spool, time);
      fail();
      spool.addReading({ point: "p.0", at: time.nowMs(), quality: "good", value: 1 }, SYNCED);
      await time.advance(COMMIT_MS);
      const error = await ended;
      expect(isDiskError(error), String(error)).toBe(true);
      const trouble = () =>
        createDiskTrouble({
          ...{ file: path.join(memoryFolder, "restarts"), bootId: "boot-1", log: silent },
          upMs: () => time.monoMs(),
        });
      trouble().note(error);
      const start = (memoryOnly: boolean) =>
        openStore({
          ...{ path: path.join(disk.folder, "spool.db"), quotaBytes: 2 ** 20, clock: time },
          ...{ bootId: "boot-1", log: silent, taken: SYNCED, memoryOnly },
        });
      for (let restart = 2; restart <= TROUBLES; restart += 1) {
        expect(trouble().memoryOnly()).toBe(false);
        expect(() => {
          try {
            start(false).spool.close();
          } catch (cause) {
            expect(isDiskError(cause), String(cause)).toBe(true);
            trouble().note(cause);
            throw cause;
          }
        }).toThrow();
      }
      expect(trouble().memoryOnly()).toBe(true);
      const store = start(true);
      expect(store.durable).toBe(false);
      store.spool.addReading({ point: "p.0", at: 1, quality: "good", value: 2 }, SYNCED);
      store.spool.commit();
      expect(store.spool.backlog).toBeGreaterThan(1);
      store.spool.close();
    },
  );
