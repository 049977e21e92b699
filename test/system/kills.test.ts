import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import Database from "better-sqlite3";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Influxd, startInfluxd } from "../hub/history/influxd.ts";
import { type ProgramName, Site } from "./site.ts";
import { until } from "./until.ts";

const OUTAGE_MS = 20_000;
interface HeldRow {
  seq: number;
  class: 0 | 1;
  payload: string;
}
const NODES = ["edge-hall", "edge-plant"] as const;

let folder: string;
let influxd: Influxd;
let site: Site;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-kills-"));
  influxd = await startInfluxd();
  site = await Site.start({
    dataDir: folder,
    token: "kills-on-loopback-only",
    influxUrl: influxd.url,
  });
  await site.ready();
});

afterAll(async () => {
  await site?.stop();
  await influxd?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test("kill -9 of edge, hub and InfluxDB for 20 s in turn loses no reading that was spooled", async () => {
  await killed("edge-hall");
  await killed("hub");
  await influxd.kill("SIGKILL");
  await site.tell("open", "door-b1");
  await passing(OUTAGE_MS);
  await site.tell("close", "door-b1");
  await influxd.restart();
  await site.ready();
  for (const node of NODES) {
    const { last } = spoolOf(node);
    await until(`${node} to have sent its backlog`, () => spoolOf(node).first > last, 90_000);
  }
  for (const node of NODES) await site.programs[node].kill("SIGTERM");
  await until("the hub to have stored what was on its way", async () => {
    const before = await storedOf("edge-hall");
    await passing(1_000);
    return before === (await storedOf("edge-hall"));
  });
  for (const node of NODES) {
    const { last } = spoolOf(node);
    const held = heldBy(node);
    const heldAndStored = await storedAmong(node, held);
    expect(last, `${node} spooled something`).toBeGreaterThan(500);
    expect((await storedOf(node)) - heldAndStored, `${node}: stored, of what left the spool`).toBe(
      last - held.length,
    );
  }
});

async function killed(program: ProgramName): Promise<void> {
  await site.programs[program].kill("SIGKILL");
  await passing(OUTAGE_MS);
  site.programs[program].start();
  await site.ready();
}

/** The last sequence number ever committed, and the first one not yet deleted as acknowledged. */
function spoolOf(node: string): { last: number; first: number } {
  return inSpool(node, (db) => ({
    last: db.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").pluck().get() as number,
    first: db.prepare("SELECT coalesce(min(seq), 1e15) FROM rows").pluck().get() as number,
  }));
}

function heldBy(node: string): HeldRow[] {
  return inSpool(node, (db) =>
    db.prepare<[], HeldRow>("SELECT seq, class, payload FROM rows").all(),
  );
}

function inSpool<T>(node: string, look: (db: Database.Database) => T): T {
  const db = new Database(path.join(folder, node, "spool.db"), { readonly: true });
  try {
    return look(db);
  } finally {
    db.close();
  }
}

async function storedOf(node: string): Promise<number> {
  return (await countInInflux(`"node" = '${node}'`)) + eventsInLedger(node).size;
}

async function storedAmong(node: string, held: HeldRow[]): Promise<number> {
  const events = eventsInLedger(node);
  let stored = 0;
  for (const row of held) {
    if (row.class === 1) {
      stored += events.has(row.seq) ? 1 : 0;
      continue;
    }
    const [point, at] = JSON.parse(row.payload) as [string, number];
    stored += await countInInflux(`"point" = '${point}' AND time = ${at}ms`);
  }
  return stored;
}

async function countInInflux(where: string): Promise<number> {
  const q = `SELECT count("q") FROM "point" WHERE ${where}`;
  const answer = await fetch(`${influxd.url}/query?${new URLSearchParams({ db: "plenum", q })}`);
  const body = (await answer.json()) as {
    results: { series?: { values: [number, number][] }[] }[];
  };
  return body.results[0]?.series?.[0]?.values[0]?.[1] ?? 0;
}

/** Sequence numbers of the node's events in the hub's ledger. */
function eventsInLedger(node: string): Set<number> {
  const db = new Database(path.join(folder, "hub", "hub.db"), { readonly: true });
  try {
    const rows = db
      .prepare<[string], { seq: number }>(
        "SELECT source_seq AS seq FROM ledger WHERE node = ? AND source_seq IS NOT NULL",
      )
      .all(node);
    return new Set(rows.map(({ seq }) => seq));
  } finally {
    db.close();
  }
}

function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
