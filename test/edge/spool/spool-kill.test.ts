import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { TempSpool } from "./temp-spool.ts";

const ROUNDS = 8;
const out = path.join(import.meta.dirname, "../../.out/spool-writer");
const temp = new TempSpool();

beforeAll(async () => {
  await build({
    configFile: false,
    logLevel: "error",
    build: { ssr: path.join(import.meta.dirname, "writer-child.ts"), outDir: out },
  });
});
afterAll(() => temp.remove());

/** Lets a writer report `reports` commits, then kills it in the middle of its work; returns its last report. */
async function writeAndKill(reports: number): Promise<{ last: number; floor: number }> {
  const child: ChildProcess = spawn(
    process.execPath,
    [path.join(out, "writer-child.js"), temp.path],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  const exit = once(child, "exit");
  let newest = "";
  let count = 0;
  if (!child.stdout) throw new Error("no output to read");
  for await (const line of createInterface({ input: child.stdout })) {
    newest = line;
    count += 1;
    if (count === reports) child.kill("SIGKILL");
  }
  await exit;
  return JSON.parse(newest);
}

test("every row a writer reported as committed is there after kill -9, 8 times over", async () => {
  for (let round = 0; round < ROUNDS; round += 1) {
    const { last, floor } = await writeAndKill(20 + round * 13);
    const spool = temp.open();
    expect(spool.last).toBeGreaterThanOrEqual(last);
    expect(spool.floor).toBeLessThanOrEqual(floor);
    const rows = spool.batch(0, 1_000_000)?.rows ?? [];
    const values = rows.map((row) => ("skip" in row ? row : JSON.parse(row.payload)[2]));
    expect(values).toEqual(values.map((_, i) => spool.floor + i));
    expect(values.at(-1)).toBe(spool.last);
    spool.close();
  }
}, 60_000);
