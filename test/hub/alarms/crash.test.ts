import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { LedgerRecord } from "../../../contract/api.ts";
import { systemClock } from "../../../contract/clock.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { httpOther, type Other } from "../notify/servers.ts";

const KILLS = 8;
const entry = fileURLToPath(new URL("./crash-child.ts", import.meta.url));
/** Inside the repository, so that the bundle finds its packages. */
const outDir = fileURLToPath(new URL(`../../.out/crash-${process.pid}`, import.meta.url));
let folder: string;
let other: Other;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "crash-"));
  other = await httpOther(() => 204);
  await build({
    configFile: false,
    logLevel: "error",
    build: { ssr: entry, outDir, minify: false, emptyOutDir: true },
  });
}, 60_000);
afterAll(async () => {
  rmSync(folder, { recursive: true });
  rmSync(outDir, { recursive: true });
  await other.close();
});

interface Child {
  process: ChildProcess;
  lines: string[];
  ended: Promise<number | null>;
}

/** Starts a hub and calls `onLine` with the number of changes it has told of. */
function start(
  mode: "run" | "finish",
  onLine: (count: number, child: ChildProcess) => void,
): Child {
  const args = [path.join(outDir, "crash-child.js"), path.join(folder, "hub.db")];
  const child = spawn(process.execPath, [...args, String(other.port), mode], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const lines: string[] = [];
  createInterface({ input: child.stdout! }).on("line", (line) => {
    lines.push(line);
    onLine(lines.length, child);
  });
  const ended = new Promise<number | null>((resolve) => child.once("close", resolve));
  return { process: child, lines, ended };
}

function everything(ledger: Ledger): LedgerRecord[] {
  const records: LedgerRecord[] = [];
  let cursor: number | undefined;
  do {
    const page = ledger.read({ limit: 1_000, order: "oldest", cursor });
    records.push(...page.items);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined);
  return records;
}

test(`${KILLS} kills with -9 lose no transition and double no notification`, async () => {
  const heard: string[] = [];
  for (let round = 0; round < KILLS; round += 1) {
    const killAt = 1 + ((round * 7) % 40);
    const child = start("run", (count, { pid }) => {
      if (count === killAt && pid) process.kill(pid, "SIGKILL");
    });
    expect(await child.ended).toBeNull();
    heard.push(...child.lines);
  }
  const last = start("finish", () => undefined);
  expect(await last.ended).toBe(0);
  heard.push(...last.lines);

  const db = openHubDb(path.join(folder, "hub.db"));
  const ledger = createLedger({ db, clock: systemClock });
  expect(ledger.verify()).toMatchObject({ ok: true });
  const records = everything(ledger);
  expect(records.length).toBeGreaterThan(KILLS);

  const stories = new Map<string, string[]>();
  for (const { type, detail } of records) {
    const alarm = String(detail.alarm);
    const story = stories.get(alarm) ?? [];
    stories.set(alarm, [...story, `${type.slice("alarm.".length)} ${detail.occurrence}`]);
  }
  expect(stories.size).toBe(4);
  for (const [alarm, story] of stories) {
    const turns = story.filter((line) => /^(raised|cleared)/.test(line));
    const expected = turns.map((_, i) => `${i % 2 ? "cleared" : "raised"} ${(i >> 1) + 1}`);
    expect(turns, alarm).toEqual(expected);
    expect(turns.length % 2, `${alarm} is over`).toBe(0);
  }

  const told = db
    .prepare(
      `SELECT alarm || ' ' || change || ' ' || occurrence FROM outbox
       WHERE superseded = 0 OR change = 'raised' ORDER BY 1`,
    )
    .pluck()
    .all();
  const due = [...stories].flatMap(([alarm, story]) =>
    story.filter((line) => /^(raised|cleared)/.test(line)).map((line) => `${alarm} ${line}`),
  );
  // Acknowledged before a message went out: it is given up, and its end is no news to anybody.
  const untold = new Set(
    db
      .prepare(
        `SELECT alarm || ' cleared ' || occurrence FROM outbox
         WHERE superseded = 1 AND attempts = 0 AND change = 'raised'`,
      )
      .pluck()
      .all(),
  );
  expect(told).toEqual(due.filter((line) => !untold.has(line)).sort());

  const written = new Set(due);
  for (const line of heard) {
    const [alarm, state, occurrence] = line.split(" ");
    const raised = state === "active" || state === "acknowledged";
    if (raised) expect(written).toContain(`${alarm} raised ${occurrence}`);
    else expect(written).toContain(`${alarm} cleared ${occurrence}`);
  }

  const rows = db
    .prepare<[], { key: string; attempts: number; superseded: number }>(
      "SELECT key, attempts, superseded FROM outbox",
    )
    .all();
  const sent = rows.filter(({ superseded }) => superseded === 0);
  const arrivals = new Map<string, number>();
  for (const { key } of other.received) arrivals.set(key, (arrivals.get(key) ?? 0) + 1);
  for (const { key } of sent) expect(arrivals.has(key), key).toBe(true);
  for (const { key, attempts } of rows)
    expect(arrivals.get(key) ?? 0).toBeLessThanOrEqual(attempts);
  expect(sent.length).toBeGreaterThan(KILLS);
  db.close();
}, 120_000);
