/**
 * How much one hub takes in: simulated nodes send batches over MQTT as fast as they are acknowledged,
 * alarms on, history in a real InfluxDB, beside the same machine's raw line-protocol limit in the same run.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { startInfluxd } from "../hub/history/influxd.ts";
import { freePort } from "../system/free-port.ts";
import { topFolder } from "../system/top-folder.ts";
import { LoadNode } from "./node-load.ts";
import { percentile, report, usageOf } from "./usage.ts";

const NODES = Number(process.env.BENCH_NODES ?? 10);
const POINTS = Number(process.env.BENCH_POINTS ?? 100);
const SECONDS = Number(process.env.BENCH_SECONDS ?? 20);
const TOKEN = "bench-token-on-loopback-only";

const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
const influxd = await startInfluxd();
try {
  const raw = await rawLimit(influxd.url);
  for (const store of ["influxdb", "sqlite"] as const) await measure(store, raw);
} finally {
  await influxd.stop();
  rmSync(folder, { recursive: true, force: true });
}

/** Points a second that InfluxDB itself takes from two writers with ready-made lines. */
async function rawLimit(url: string): Promise<number> {
  await fetch(`${url}/query`, {
    method: "POST",
    body: new URLSearchParams({ q: "CREATE DATABASE raw" }),
  });
  const series = NODES * POINTS;
  const startMs = Date.now() - 86_400_000;
  let written = 0;
  const batch = (from: number) =>
    Array.from({ length: 5_000 }, (_, i) => {
      const n = from + i;
      return `point,node=n${n % NODES},place=p${n % series},point=p${n % series}.v value=${n / 100} ${startMs + Math.floor(n / series) * 1_000}`;
    }).join("\n");
  const batches = Array.from({ length: 40 }, (_, i) => batch(i * 5_000));
  const end = performance.now() + (SECONDS / 2) * 1_000;
  const began = performance.now();
  const writer = async (offset: number) => {
    for (let i = offset; performance.now() < end; i += 2) {
      const body = batches[i % batches.length];
      const answer = await fetch(`${url}/write?db=raw&precision=ms`, { method: "POST", body });
      if (answer.status !== 204)
        throw new Error(`InfluxDB answered ${answer.status}: ${await answer.text()}`);
      written += 5_000;
    }
  };
  await Promise.all([writer(0), writer(1)]);
  return written / ((performance.now() - began) / 1_000);
}

async function measure(store: "influxdb" | "sqlite", rawPerS: number): Promise<void> {
  const [httpPort, mqttPort] = [await freePort(), await freePort()];
  const hub = await startHub(store, httpPort, mqttPort);
  const nodes = Array.from({ length: NODES }, (_, i) => new LoadNode(`n${i}`, POINTS));
  try {
    for (const node of nodes) await node.connect(`mqtt://127.0.0.1:${mqttPort}`);
    const before = usageOf(hub.pid!);
    const began = performance.now();
    const acked = () => nodes.reduce((sum, node) => sum + node.acked, 0);
    for (const node of nodes) node.allow(Number.MAX_SAFE_INTEGER);
    await passing(SECONDS * 1_000);
    for (const node of nodes) node.allow(0);
    await until(() => nodes.every((node) => node.acked === node.sent), 60_000);
    const perS = acked() / ((performance.now() - began) / 1_000);
    const after = usageOf(hub.pid!);
    const latencies = await alarmLatencies(nodes[0]!, httpPort);
    const stored = store === "influxdb" ? await countStored() : acked();
    report({
      bench: "ingest",
      store,
      nodes: NODES,
      points: NODES * POINTS,
      pointsPerS: perS,
      rawPointsPerS: rawPerS,
      shareOfRaw: perS / rawPerS,
      sent: acked(),
      stored,
      lost: acked() - stored,
      hubCpuSPerMillion: (after.cpuS - before.cpuS) / (acked() / 1e6),
      hubRssMb: after.rssMb,
      alarmLatencyP50Ms: percentile(latencies, 0.5),
      alarmLatencyP99Ms: percentile(latencies, 0.99),
      alarms: latencies.length,
    });
  } finally {
    for (const node of nodes) await node.close();
    hub.kill("SIGTERM");
    await once(hub, "exit");
  }
}

async function startHub(store: string, httpPort: number, mqttPort: number): Promise<ChildProcess> {
  const influx = store === "influxdb" ? `, influx: { url: "${influxd.url}", database: bench }` : "";
  const config = path.join(folder, `${store}.yaml`);
  writeFileSync(
    config,
    `site: { id: bench, label: Bench, timezone: UTC, rooms: [ { id: r, label: Room, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: ${httpPort} }
mqtt: { host: 127.0.0.1, port: ${mqttPort} }
storage: { path: ./${store}${influx} }
tokens: [ { name: bench, role: admin, token: "env:BENCH_TOKEN" } ]
alarms:
  - { id: high, points: ["*"], above: 1000000, deadband: 1, onDelay: 0s, offDelay: 0s, priority: 2, title: "{label}", receivers: [] }
  - { id: stale, points: ["*"], stale: true, onDelay: 60s, offDelay: 0s, priority: 3, title: "{label}", receivers: [] }
receivers: []
`,
  );
  const hub = spawn(
    process.execPath,
    [path.join(topFolder(), "dist/hub/main.js"), "--config", config],
    {
      env: { ...process.env, BENCH_TOKEN: TOKEN },
      stdio: ["ignore", "ignore", "inherit"],
    },
  );
  await until(async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/healthz`).catch(() => undefined);
    return answer?.ok ?? false;
  }, 30_000);
  return hub;
}

/** From publishing a live value over the limit to the alarm on the event stream, while the other lanes rest. */
async function alarmLatencies(node: LoadNode, httpPort: number): Promise<number[]> {
  const abort = new AbortController();
  const answer = await fetch(`http://127.0.0.1:${httpPort}/api/v1/stream`, {
    headers: { authorization: `Bearer ${TOKEN}` },
    signal: abort.signal,
  });
  const latencies: number[] = [];
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let occurrence = 0;
  const nextRaise = async (): Promise<void> => {
    const id = `high.${node.points[0]}`;
    for (;;) {
      const match = new RegExp(
        `"id":"${id.replaceAll(".", "\\.")}"[^]*?"state":"active","occurrence":(\\d+)`,
      ).exec(text);
      if (match && Number(match[1]) > occurrence) {
        occurrence = Number(match[1]);
        text = "";
        return;
      }
      const { value, done } = await reader.read();
      if (done) throw new Error("The event stream ended.");
      text = (text + value).slice(-400_000);
    }
  };
  for (let i = 0; i < 200; i += 1) {
    const began = performance.now();
    node.publishLive(2_000_000);
    await nextRaise();
    latencies.push(performance.now() - began);
    await passing(5);
    node.publishLive(0);
    await passing(5);
  }
  abort.abort();
  return latencies;
}

async function countStored(): Promise<number> {
  const query = new URLSearchParams({ db: "bench", q: 'SELECT count("value") FROM "point"' });
  const answer = (await (await fetch(`${influxd.url}/query?${query}`)).json()) as {
    results: { series?: { values: [number, number][] }[] }[];
  };
  return answer.results[0]?.series?.[0]?.values[0]?.[1] ?? 0;
}

function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

async function until(done: () => boolean | Promise<boolean>, limitMs: number): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`Not done within ${limitMs / 1_000} s.`);
    await passing(50);
  }
}
