import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Mosquitto } from "../hub/external-broker/mosquitto.ts";
import { type Influxd, startInfluxd } from "../hub/history/influxd.ts";
import { COOL, GeneratedNode, HOT } from "./generated-node.ts";
import { until } from "./until.ts";
import { passing, WorkerSite } from "./worker-site.ts";

const SEED = Number(process.env.PLENUM_SEED ?? Date.now() % 1_000_000);
/** Rounds of four faults; the long run asks for more. */
const ROUNDS = Number(process.env.PLENUM_WORKER_ROUNDS ?? 1);
const WORKERS = ["w1", "w2", "w3"];
const NODES = 6;
const ROWS_PER_SECOND = 300;
/** Longer than a lease (10 s) and the wait for the next look at it (3 s). */
const LONG_PAUSE_MS = 14_000;

let folder: string;
let influxd: Influxd;
let mosquitto: Mosquitto;
let site: WorkerSite;
let nodes: GeneratedNode[];
const random = mulberry32(SEED);

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "plenum-workers-"));
  [influxd, mosquitto] = await Promise.all([startInfluxd(), Mosquitto.start()]);
  const target = mosquitto.target;
  site = await WorkerSite.start(folder, WORKERS, { target, influxUrl: influxd.url });
  nodes = await Promise.all(
    Array.from({ length: NODES }, async (_, n) => {
      const id = `gen-${n}`;
      const identity = await mosquitto.certify(id);
      const join = (options: object) => mosquitto.join(id, identity, options);
      return new GeneratedNode(id, { rowsPerSecond: ROWS_PER_SECOND, join, random });
    }),
  );
  await site.ready();
});

afterAll(async () => {
  for (const node of nodes ?? []) await node.stop();
  await site?.stop();
  await mosquitto?.stop();
  await influxd?.stop();
  if (!process.env.PLENUM_KEEP) rmSync(folder, { recursive: true, force: true });
});

test(`3 workers, mosquitto and InfluxDB killed, workers paused, under load lose no row and no alarm and double none (seed ${SEED})`, async () => {
  for (const node of nodes) node.start();
  const cycling = new AbortController();
  const cycles = Promise.all(nodes.map((node) => cycleAlarm(node, cycling.signal)));
  // Told where it is awaited, also when something else has failed before.
  cycles.catch(() => undefined);
  await until("the first rows to be stored", () => nodes.every((n) => n.unacknowledged < 1_000));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const fault of shuffled(FAULTS)) {
      await fault();
      await passing(1_000 + 2_000 * random());
    }
  }
  cycling.abort();
  const raised = await cycles;
  for (const node of nodes) node.finish();
  await until(
    "everything to be acknowledged",
    () => nodes.every((node) => node.unacknowledged === 0),
    60_000,
  );
  for (const node of nodes) {
    expect(await storedOf(node.id), `rows of ${node.id}`).toEqual(new Map(node.spooled.rows));
    expect(site.doorEvents(node.id), `doors of ${node.id}`).toEqual({
      stored: node.spooled.doorEvents,
      gaps: 0,
    });
  }
  expect(site.quarantined()).toEqual([]);
  const records = site.alarms("hot");
  for (const [index, node] of nodes.entries()) {
    const own = records.filter(({ alarm }) => alarm === `hot.${node.hotPoint}`);
    const expected = Array.from({ length: raised[index]! }, (_, n) => [
      { alarm: `hot.${node.hotPoint}`, change: "raised", occurrence: n + 1 },
      { alarm: `hot.${node.hotPoint}`, change: "cleared", occurrence: n + 1 },
    ]);
    expect(own, `alarms of ${node.id}`).toEqual(expected.flat());
  }
  const rows = nodes.reduce((sum, { spooled }) => sum + totalOf(spooled.rows), 0);
  const alarms = raised.reduce((sum, count) => sum + count, 0);
  process.stdout.write(
    `workers: seed ${SEED}, ${ROUNDS * FAULTS.length} faults, ${rows} rows and ${alarms} alarms, all once\n`,
  );
});

const FAULTS = [
  async function killLeader() {
    await site.kill(await site.leader());
  },
  async function pauseLeader() {
    const token = site.leadToken();
    await site.pause(await site.leader(), LONG_PAUSE_MS);
    expect(site.leadToken(), "another process leads after a long pause").toBeGreaterThan(token);
  },
  async function killFollowersWithRowsNotStored() {
    const leader = await site.leader();
    await influxd.kill("SIGKILL");
    await passing(500 + 500 * random());
    await Promise.all(WORKERS.filter((name) => name !== leader).map((name) => site.kill(name)));
    await influxd.restart();
  },
  async function killBroker() {
    await mosquitto.kill("SIGKILL");
    await passing(500 + 1_500 * random());
    await mosquitto.restart();
  },
];

/** Makes the node's alarm come and go, each time waiting until the hub has written it down; says how often. */
async function cycleAlarm(node: GeneratedNode, signal: AbortSignal): Promise<number> {
  let count = 0;
  while (!signal.aborted) {
    count += 1;
    node.hot = HOT;
    await written(node, "raised", count);
    node.hot = COOL;
    await written(node, "cleared", count);
  }
  return count;
}

function written(node: GeneratedNode, change: string, count: number): Promise<unknown> {
  const isIt = (one: { alarm: string; change: string; occurrence: number }) =>
    one.alarm === `hot.${node.hotPoint}` && one.change === change && one.occurrence >= count;
  return until(
    `${node.id} ${change} ${count}`,
    async () => {
      await passing(250);
      return site.alarms("hot").some(isIt);
    },
    60_000,
  );
}

async function storedOf(node: string): Promise<Map<string, { count: number; sum: number }>> {
  const q = `SELECT count("value"), sum("value") FROM "point" WHERE "node" = '${node}' GROUP BY "point"`;
  const answer = await fetch(`${influxd.url}/query?${new URLSearchParams({ db: "plenum", q })}`);
  const body = (await answer.json()) as {
    results: { series?: { tags: { point: string }; values: [number, number, number][] }[] }[];
  };
  const series = body.results[0]?.series ?? [];
  return new Map(
    series.map(({ tags, values }) => [
      tags.point,
      { count: values[0]?.[1] ?? 0, sum: values[0]?.[2] ?? 0 },
    ]),
  );
}

function totalOf(rows: Map<string, { count: number }>): number {
  return [...rows.values()].reduce((sum, { count }) => sum + count, 0);
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

/** Small seeded generator, so that a failing order of faults can be run again. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}
