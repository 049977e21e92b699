import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { openSpool } from "../../../edge/spool/open.ts";
import { FakeClock } from "../../fake-clock.ts";
import { LoopDisk, whyNoLoopDisk } from "./loop-disk.ts";
import { SYNCED, silent } from "./temp-spool.ts";

const CUTS = 15;
const DISK_MB = 24;
const out = path.join(import.meta.dirname, "../../.out/spool-power-cut");
const whyNot = whyNoLoopDisk();
const disks: LoopDisk[] = [];
const writers = new Set<() => Promise<void>>();

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: "error",
    build: { ssr: path.join(import.meta.dirname, "writer-child.ts"), outDir: out },
  });
});
afterEach(async () => {
  await Promise.all([...writers].map((end) => end()));
  for (const disk of disks.splice(0)) disk.remove();
});
afterAll(() => {
  if (whyNot !== undefined)
    process.stderr.write(
      `\nPOWER CUTS WERE NOT TESTED ON A DISK (${whyNot}). torn.test.ts stood in with copies of the files, which shows no missing fsync.\n`,
    );
});

/** What one acknowledgement of the writer deletes, and after how many commits of 20 rows it makes one. */
const ACK_ROWS = 6;
const ACK_EVERY_ROWS = 7 * 20;

/** How many acknowledgements the writer can have made after its last report was read, before it stood still. */
function acksAfter(report: { last: number }, found: { last: number }): number {
  return Math.ceil((found.last - report.last + 20) / ACK_EVERY_ROWS);
}

/** Lets a writer report so many commits and stops it in the middle of its work; returns its last report. */
async function writeAndStop(file: string, reports: number) {
  const child: ChildProcess = spawn(process.execPath, [path.join(out, "writer-child.js"), file], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const { stdout, pid } = child;
  if (!stdout || pid === undefined) throw new Error("the writer did not start");
  const exit = once(child, "exit");
  const end = async () => {
    writers.delete(end);
    child.kill("SIGKILL");
    await exit;
  };
  let newest = "";
  let count = 0;
  for await (const line of createInterface({ input: stdout })) {
    newest = line;
    count += 1;
    if (count === reports) break;
  }
  child.kill("SIGSTOP");
  while (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "T")
    await new Promise((resolve) => setImmediate(resolve));
  writers.add(end);
  return { ...(JSON.parse(newest) as { last: number; floor: number }), end };
}

test(`after each of ${CUTS} power cuts, one on the disk that the last one left, every committed row is there`, async () => {
  if (whyNot !== undefined) {
    expect(process.env.CI, `continuous integration must be able to test this: ${whyNot}`).not.toBe(
      "true",
    );
    return;
  }
  let disk = new LoopDisk(DISK_MB);
  disks.push(disk);
  const epochs = new Set<string>();
  for (let cut = 1; cut <= CUTS; cut += 1) {
    const writer = await writeAndStop(path.join(disk.folder, "spool.db"), 5 + ((cut * 37) % 60));
    const left = disk.copyAsCut();
    disks.push(left);
    await writer.end();
    disk.remove();
    disks.splice(disks.indexOf(disk), 1);
    disk = left;
    const spool = openSpool({
      ...{ path: path.join(disk.folder, "spool.db"), quotaBytes: 1e9, bootId: "boot-1" },
      ...{ clock: new FakeClock(), log: silent, taken: SYNCED },
    });
    epochs.add(spool.epoch);
    expect(spool.last, `cut ${cut}`).toBeGreaterThanOrEqual(writer.last);
    expect(spool.floor).toBeLessThanOrEqual(writer.floor + ACK_ROWS * acksAfter(writer, spool));
    const rows = spool.batch(0, 1_000_000)?.rows ?? [];
    const values = rows.map((row) => ("skip" in row ? row : JSON.parse(row.payload)[2]));
    expect(values).toEqual(values.map((_, i) => spool.floor + i));
    expect(values.at(-1)).toBe(spool.last);
    spool.close();
  }
  expect(epochs.size, "no file was found damaged").toBe(1);
}, 120_000);
