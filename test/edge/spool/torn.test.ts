import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openSpool } from "../../../edge/spool/open.ts";
import { SYNCED, silent, TempSpool } from "./temp-spool.ts";

const CUTS = 25;
const out = path.join(import.meta.dirname, "../../.out/spool-torn");
const temp = new TempSpool();
const folder = mkdtempSync(path.join(tmpdir(), "plenum-torn-"));

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: "error",
    build: { ssr: path.join(import.meta.dirname, "writer-child.ts"), outDir: out },
  });
});
afterAll(() => {
  temp.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves once the kernel shows the process as stopped, so that no write is half way. */
async function stopped(pid: number): Promise<void> {
  while (readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.[0] !== "T")
    await new Promise((resolve) => setImmediate(resolve));
}

/** Database and log as a power cut leaves them: without the shared memory, with a torn frame at the end. */
function copyAsCut(cut: number): string {
  const copy = path.join(folder, `cut-${cut}.db`);
  copyFileSync(temp.path, copy);
  if (existsSync(`${temp.path}-wal`)) {
    copyFileSync(`${temp.path}-wal`, `${copy}-wal`);
    const garbage = Buffer.alloc((cut * 997) % 5_000, cut);
    appendFileSync(`${copy}-wal`, garbage);
  }
  return copy;
}

test("25 copies of the files, taken in the middle of the writing, each hold every row reported as committed", async () => {
  const child: ChildProcess = spawn(
    process.execPath,
    [path.join(out, "writer-child.js"), temp.path],
    { stdio: ["ignore", "pipe", "inherit"] },
  );
  const { pid, stdout } = child;
  if (!stdout || pid === undefined) throw new Error("the writer did not start");
  const exit = once(child, "exit");
  const cuts: { copy: string; last: number }[] = [];
  let reports = 0;
  for await (const line of createInterface({ input: stdout })) {
    reports += 1;
    if (reports % 7 !== 0) continue;
    child.kill("SIGSTOP");
    await stopped(pid);
    cuts.push({ copy: copyAsCut(cuts.length), last: JSON.parse(line).last });
    child.kill(cuts.length === CUTS ? "SIGKILL" : "SIGCONT");
    if (cuts.length === CUTS) break;
  }
  await exit;
  for (const { copy, last } of cuts) {
    const spool = openSpool({
      ...{ path: copy, quotaBytes: 1e9, bootId: "boot-1", clock: temp.clock },
      ...{ log: silent, taken: SYNCED },
    });
    expect(spool.last).toBeGreaterThanOrEqual(last);
    const rows = spool.batch(0, 1_000_000)?.rows ?? [];
    const values = rows.map((row) => ("skip" in row ? row : JSON.parse(row.payload)[2]));
    expect(values).toEqual(values.map((_, i) => spool.floor + i));
    expect(values.at(-1)).toBe(spool.last);
    spool.close();
  }
}, 60_000);
