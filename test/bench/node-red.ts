/**
 * What a million readings cost in processor time: a Plenum hub beside a Node-RED flow that does the part of
 * its work a flow can do (mqtt in → function with hysteresis → influxdb batch), fed the same rows at the
 * same pace into the same InfluxDB, in turns. Node-RED's broker is a mosquitto whose work does not count,
 * while the hub's own broker counts as the hub's. Node-RED comes from npm into the user's cache.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { type Influxd, startInfluxd } from "../hub/history/influxd.ts";
import { freePort } from "../system/free-port.ts";
import { countInflux } from "./ingest-stores.ts";
import { LoadHub, passing, until } from "./load-hub.ts";
import { fed, paced } from "./load-stages.ts";
import { LoadNode } from "./node-load.ts";
import { installNodeRed, NodeRed } from "./node-red-flow.ts";
import { percentile, report } from "./usage.ts";

const NODES = 10;
const POINTS = 100;
const PAIRS = Number(process.env.BENCH_PAIRS ?? 3);
const TURN_MS = Number(process.env.BENCH_TURN_SECONDS ?? 8) * 1_000;
const PACE = {
  perS: Number(process.env.BENCH_RATE ?? 20_000),
  batchRows: 250,
  ms: TURN_MS,
  quiet: true,
};
/** Not counted: a program just started compiles its busiest places first. */
const WARM_UP = { ...PACE, ms: 4_000 };

interface Turn {
  sent: number;
  stored: number;
  cpuSPerMillion: number;
}

const folder = mkdtempSync(path.join(tmpdir(), "plenum-node-red-"));
let influxd: Influxd | undefined;
let unavailable: string | undefined;
try {
  installNodeRed();
} catch (error) {
  unavailable = error instanceof Error ? error.message : String(error);
}
try {
  if (unavailable !== undefined) report({ bench: "node-red", skipped: unavailable });
  else {
    influxd = await startInfluxd();
    await compare(influxd.url);
  }
} finally {
  await influxd?.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function compare(influxUrl: string): Promise<void> {
  const turns: { hub: Turn[]; flow: Turn[] } = { hub: [], flow: [] };
  for (let i = 0; i < PAIRS; i += 1) {
    turns.hub.push(await hubTurn({ url: influxUrl, database: `hub_${i}` }));
    turns.flow.push(await flowTurn({ url: influxUrl, database: `flow_${i}` }));
  }
  const median = (all: Turn[]) =>
    percentile(
      all.map(({ cpuSPerMillion }) => cpuSPerMillion),
      0.5,
    );
  const lost = (all: Turn[]) => all.reduce((sum, { sent, stored }) => sum + sent - stored, 0);
  const [hub, flow] = [median(turns.hub), median(turns.flow)];
  report({
    bench: "node-red",
    ...{ pairs: PAIRS, pointsPerS: PACE.perS, seconds: TURN_MS / 1_000 },
    ...{ hubCpuSPerMillion: hub, nodeRedCpuSPerMillion: flow, hubShareOfNodeRed: hub / flow },
    ...{ hubLost: lost(turns.hub), nodeRedLost: lost(turns.flow) },
  });
}

interface Target {
  url: string;
  database: string;
}

async function hubTurn(target: Target): Promise<Turn> {
  const own = path.join(folder, target.database);
  mkdirSync(own);
  const hub = await LoadHub.start(own, target);
  const nodes = loadNodes();
  try {
    for (const node of nodes) await node.connect(hub.mqttUrl);
    await paced(nodes, WARM_UP);
    const [before, warmRows] = [hub.usage().cpuS, sentBy(nodes)];
    await paced(nodes, PACE);
    return await turnOf(nodes, target, { warmRows, cpuS: hub.usage().cpuS - before });
  } finally {
    for (const node of nodes) await node.close();
    await hub.stop();
  }
}

async function flowTurn(target: Target): Promise<Turn> {
  const mqttPort = await freePort();
  const broker = await startMosquitto(mqttPort);
  const body = new URLSearchParams({ q: `CREATE DATABASE ${target.database}` });
  await fetch(`${target.url}/query`, { method: "POST", body });
  const own = path.join(folder, target.database);
  const targets = { mqttPort, influxUrl: target.url, database: target.database };
  const flow = await NodeRed.start(own, targets);
  const nodes = loadNodes(Number.POSITIVE_INFINITY);
  try {
    for (const node of nodes) await node.connect(`mqtt://127.0.0.1:${mqttPort}`);
    await fed(nodes, WARM_UP);
    await settled(target, nodes);
    const [before, warmRows] = [flow.usage().cpuS, sentBy(nodes)];
    await fed(nodes, PACE);
    await settled(target, nodes);
    return await turnOf(nodes, target, { warmRows, cpuS: flow.usage().cpuS - before });
  } finally {
    for (const node of nodes) await node.close();
    await flow.stop();
    broker.kill("SIGTERM");
    await once(broker, "exit");
  }
}

function loadNodes(windowRows?: number): LoadNode[] {
  const options = windowRows === undefined ? {} : { windowRows };
  return Array.from({ length: NODES }, (_, i) => new LoadNode(`n${i}`, POINTS, options));
}

async function turnOf(
  nodes: LoadNode[],
  target: Target,
  { warmRows, cpuS }: { warmRows: number; cpuS: number },
): Promise<Turn> {
  const sent = sentBy(nodes);
  const stored = await countInflux(target, pointsOf(nodes));
  return { sent, stored, cpuSPerMillion: cpuS / ((stored - warmRows) / 1e6) };
}

function sentBy(nodes: readonly LoadNode[]): number {
  return nodes.reduce((sum, node) => sum + node.sent, 0);
}

function pointsOf(nodes: LoadNode[]): string[] {
  return nodes.flatMap((node) => node.points);
}

/** The flow acknowledges nothing, so it is done when nothing more arrives. */
async function settled(target: Target, nodes: LoadNode[]): Promise<void> {
  const sent = sentBy(nodes);
  let before = -1;
  await until(async () => {
    const stored = await countInflux(target, pointsOf(nodes));
    const done = stored >= sent || stored === before;
    before = stored;
    if (!done) await passing(2_000);
    return done;
  }, 60_000);
}

async function startMosquitto(port: number): Promise<ChildProcess> {
  const config = path.join(folder, `mosquitto-${port}.conf`);
  writeFileSync(
    config,
    `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`,
  );
  const child = spawn("/usr/sbin/mosquitto", ["-c", config], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4_000);
  });
  await until(() => {
    if (child.exitCode !== null) throw new Error(`mosquitto ended:\n${said}`);
    return said.includes("running");
  }, 10_000);
  return child;
}
