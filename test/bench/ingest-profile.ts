/**
 * CPU seconds the hub takes for a million readings when the store costs it nothing but the request: nodes
 * send as fast as they are acknowledged to a hub whose InfluxDB is a server here that answers 204 at once
 * (`PROFILE_STORE=sqlite`: to one with the embedded store).
 * `PROFILE_HUB` names another built main.js, so that two builds can be run in turns; `PROFILE_DIR` a folder
 * for a CPU profile.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { freePort } from "../system/free-port.ts";
import { topFolder } from "../system/top-folder.ts";
import { until } from "../system/until.ts";
import { LoadNode } from "./node-load.ts";
import { report, usageOf } from "./usage.ts";

/** A node that sends more than 20,000 rows a second for long is held back, and these never send again. */
const NODES = Number(process.env.PROFILE_NODES ?? 20);
const POINTS = Number(process.env.PROFILE_POINTS ?? 50);
const ROWS = Number(process.env.PROFILE_ROWS ?? 1_000_000);
const MAIN = process.env.PROFILE_HUB ?? path.join(topFolder(), "dist/hub/main.js");
const EMBEDDED = process.env.PROFILE_STORE === "sqlite";
const TOKEN = "bench-token-on-loopback-only";

const folder = mkdtempSync(path.join(tmpdir(), "plenum-profile-"));
let taken = 0;
let writes = 0;
const store = createServer((request, response) => {
  request.on("data", (chunk: Buffer) => {
    for (const byte of chunk) if (byte === 10) taken += 1;
  });
  request.on("end", () => {
    if (request.url?.startsWith("/write")) {
      writes += 1;
      response.writeHead(204).end();
    } else response.end('{"results":[{}]}');
  });
}).listen(0, "127.0.0.1");
await once(store, "listening");
const [httpPort, mqttPort] = [await freePort(), await freePort()];
const hub = spawn(process.execPath, [...profiling(), MAIN, "--config", siteFile()], {
  env: { ...process.env, BENCH_TOKEN: TOKEN },
  stdio: ["ignore", "ignore", "inherit"],
});
try {
  await until("the hub", async () => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}/healthz`).catch(() => undefined);
    return answer?.ok || undefined;
  });
  const nodes = Array.from({ length: NODES }, (_, i) => new LoadNode(`n${i}`, POINTS));
  for (const node of nodes) await node.connect(`mqtt://127.0.0.1:${mqttPort}`);
  await send(nodes, ROWS / 10);
  const before = usageOf(hub.pid!);
  const began = performance.now();
  [taken, writes] = [0, 0];
  await send(nodes, ROWS * 1.1);
  const tookS = (performance.now() - began) / 1_000;
  const after = usageOf(hub.pid!);
  report({
    bench: "ingest-profile",
    store: EMBEDDED ? "sqlite" : "stub",
    pointsPerS: ROWS / tookS,
    hubCpuSPerMillion: (after.cpuS - before.cpuS) / (ROWS / 1e6),
    ...(EMBEDDED ? {} : { taken, rowsPerWrite: taken / writes }),
    hubRssMb: after.rssMb,
  });
  for (const node of nodes) await node.close();
} finally {
  hub.kill("SIGTERM");
  await once(hub, "exit");
  store.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Lets the nodes send up to that many rows in all, and waits until they are acknowledged. */
async function send(nodes: readonly LoadNode[], rows: number): Promise<void> {
  for (const node of nodes) node.allow(rows / nodes.length);
  await until(
    "the acknowledgements",
    () => nodes.every((node) => node.acked === node.sent && node.sent > 0) || undefined,
    180_000,
  );
}

function profiling(): string[] {
  const to = process.env.PROFILE_DIR;
  return to ? ["--cpu-prof", `--cpu-prof-dir=${to}`] : [];
}

function siteFile(): string {
  const { port } = store.address() as AddressInfo;
  const file = path.join(folder, "site.yaml");
  writeFileSync(
    file,
    `site: { id: bench, label: Bench, timezone: UTC, rooms: [ { id: r, label: Room, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: ${httpPort} }
mqtt: { host: 127.0.0.1, port: ${mqttPort} }
storage: { path: ./data${EMBEDDED ? "" : `, influx: { url: "http://127.0.0.1:${port}", database: bench }`} }
tokens: [ { name: bench, role: admin, token: "env:BENCH_TOKEN" } ]
alarms:
  - { id: high, points: ["*"], above: 1000000, deadband: 1, onDelay: 0s, offDelay: 0s, priority: 2, title: "{label}", receivers: [] }
  - { id: stale, points: ["*"], stale: true, onDelay: 60s, offDelay: 0s, priority: 3, title: "{label}", receivers: [] }
receivers: []
`,
  );
  return file;
}
