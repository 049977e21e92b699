/**
 * A whole hub with 10,000 points and 50 rules of each kind, in turns with the same hub without them: its CPU at one
 * reading per point and second, and the delay of an alarm meanwhile, from the reading that breaks a limit to the
 * alarm on the event stream. Then a storm: all points of ten nodes break their limit at once.
 * What one judgement costs is in alarm-cost.ts; both are run here.
 */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { AlarmView } from "../../contract/api.ts";
import { topFolder } from "../system/top-folder.ts";
import { ALARM_ABOVE, LoadHub, passing, TOKEN } from "./load-hub.ts";
import { alarmLatency } from "./load-stages.ts";
import { LoadNode } from "./node-load.ts";
import { report } from "./usage.ts";

const NODES = 100;
const POINTS = 100;
const RULES = 50;
const PAIRS = Number(process.env.BENCH_PAIRS ?? 2);
const STAGE_MS = Number(process.env.BENCH_STAGE_SECONDS ?? 15) * 1_000;
const STORM_NODES = 10;
const STORM_LIMIT_MS = 60_000;

const CONDITIONS = {
  limit: "above: 2000000, deadband: 1",
  digital: "equals: 2000000",
  swing: "swing: { above: 2000000, window: 15m }",
  frozen: "frozen: true",
  stale: "stale: true",
  silent: "silent: true",
};

for (const kind of ["limit", "digital", "swing", "frozen", "stale"]) {
  const program = path.join(topFolder(), "dist/test/bench/alarm-cost.js");
  spawnSync(process.execPath, [program, kind], { stdio: "inherit" });
}
const folder = mkdtempSync(path.join(tmpdir(), "plenum-bench-"));
try {
  for (let pair = 0; pair < PAIRS; pair += 1) {
    await stage(`plain-${pair}`, "");
    await stage(`ruled-${pair}`, rulesText());
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}

/** Each rule watches the 50th part of the points, so that each point is watched by one rule of each kind. */
function rulesText(): string {
  const lines = Object.entries(CONDITIONS).flatMap(([kind, condition]) =>
    Array.from({ length: RULES }, (_, n) => {
      const points = Array.from({ length: POINTS / RULES }, (_, i) => `"*.v${n + i * RULES}"`);
      const on = kind === "silent" ? `nodes: ["w${n}", "w${n + RULES}"]` : `points: [${points}]`;
      return `  - { id: ${kind}-${n}, ${on}, ${condition}, onDelay: 60s, offDelay: 60s, priority: 3, title: "{label}", receivers: [] }`;
    }),
  );
  return `${lines.join("\n")}\n`;
}

async function stage(name: string, rules: string): Promise<void> {
  const own = path.join(folder, name);
  mkdirSync(own);
  const hub = await LoadHub.start(own, undefined, rules);
  const nodes = Array.from({ length: NODES }, (_, n) => new LoadNode(`w${n}`, POINTS));
  try {
    for (const node of nodes) await node.connect(hub.mqttUrl);
    await lively(nodes, STAGE_MS / 3);
    const before = hub.usage().cpuS;
    const latency = await alarmLatency(hub, () => lively(nodes, STAGE_MS));
    const hubCores = (hub.usage().cpuS - before) / (STAGE_MS / 1_000);
    const size = { points: NODES * POINTS, rules: rules === "" ? 2 : 2 + RULES * 6 };
    report({ bench: "alarms", ...size, hubCores, hubRssMb: hub.usage().rssMb, ...latency });
    await storm(hub, nodes.slice(0, STORM_NODES), size);
  } finally {
    for (const node of nodes) await node.close();
    await hub.stop();
  }
}

/** One live message of each node a second, spread over it. */
async function lively(nodes: readonly LoadNode[], ms: number): Promise<void> {
  const began = performance.now();
  for (let sent = 0; performance.now() - began < ms; ) {
    for (; sent < ((performance.now() - began) / 1_000) * nodes.length; sent += 1)
      nodes[sent % nodes.length]!.publishLive();
    await passing(5);
  }
}

async function storm(hub: LoadHub, nodes: readonly LoadNode[], size: object): Promise<void> {
  const expected = nodes.length * POINTS;
  await hub.loopDelay();
  const began = performance.now();
  for (const node of nodes) node.publishAll(2 * ALARM_ABOVE);
  while ((await standing(hub)) < expected) {
    if (performance.now() - began > STORM_LIMIT_MS) throw new Error("The storm was not taken.");
    await passing(20);
  }
  const allStandingMs = performance.now() - began;
  const { maxMs } = await hub.loopDelay();
  const hubRssMb = hub.usage().rssMb;
  report({
    bench: "alarm-storm",
    ...size,
    alarms: expected,
    allStandingMs,
    loopDelayMaxMs: maxMs,
    hubRssMb,
  });
}

async function standing(hub: LoadHub): Promise<number> {
  const answer = await fetch(`http://127.0.0.1:${hub.httpPort}/api/v1/alarms`, {
    headers: { authorization: `Bearer ${TOKEN}` },
  });
  const { items } = (await answer.json()) as { items: AlarmView[] };
  return items.filter(({ rule, state }) => rule === "high" && state === "active").length;
}
