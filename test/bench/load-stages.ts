import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { topFolder } from "../system/top-folder.ts";
import { type LoadHub, passing, until } from "./load-hub.ts";
import type { LoadNode } from "./node-load.ts";
import { percentile, type Usage } from "./usage.ts";

const BEAT_MS = 20;
const LIVE_PERIOD_MS = 1_000;
const DRAIN_MS = 60_000;

export const ackedBy = (nodes: readonly LoadNode[]) =>
  nodes.reduce((sum, node) => sum + node.acked, 0);

/** What the hub did during some work, by its own process' figures. */
export async function watched(
  hub: LoadHub,
  nodes: readonly LoadNode[],
  work: () => Promise<void>,
): Promise<{ pointsPerS: number; hubCpuSPerMillion: number; after: Usage }> {
  const [before, acked, began] = [hub.usage(), ackedBy(nodes), performance.now()];
  await work();
  const points = ackedBy(nodes) - acked;
  const tookS = (performance.now() - began) / 1_000;
  const after = hub.usage();
  const hubCpuSPerMillion = (after.cpuS - before.cpuS) / (points / 1e6);
  return { pointsPerS: points / tookS, hubCpuSPerMillion, after };
}

/** As fast as they are acknowledged. */
export async function fullSpeed(nodes: readonly LoadNode[], ms: number): Promise<void> {
  for (const node of nodes) node.allow(Number.MAX_SAFE_INTEGER);
  await passing(ms);
  for (const node of nodes) node.allow(0);
  await drained(nodes);
}

export interface Pace {
  perS: number;
  batchRows: number;
  ms: number;
  /** Spool rows alone, without the live messages. */
  quiet?: boolean;
}

/** At a steady pace, the nodes in turn, with a live message of all points of each node once a second. */
export async function paced(nodes: readonly LoadNode[], pace: Pace): Promise<void> {
  await fed(nodes, pace);
  await drained(nodes);
}

/** As `paced`, for a receiver that acknowledges nothing. */
export async function fed(nodes: readonly LoadNode[], pace: Pace): Promise<void> {
  const { perS, batchRows, ms, quiet = false } = pace;
  const began = performance.now();
  const passedMs = () => performance.now() - began;
  let [granted, turn, lives] = [0, 0, 0];
  while (passedMs() < ms) {
    const due = (passedMs() / 1_000) * perS;
    for (; granted + batchRows <= due; granted += batchRows) {
      nodes[turn % nodes.length]!.grant(batchRows);
      turn += 1;
    }
    for (; !quiet && lives < (passedMs() / LIVE_PERIOD_MS) * nodes.length; lives += 1)
      nodes[lives % nodes.length]!.publishLive();
    await passing(BEAT_MS);
  }
}

async function drained(nodes: readonly LoadNode[]): Promise<void> {
  await until(() => nodes.every((node) => node.acked === node.sent), DRAIN_MS);
}

/** Alarm latency while `work` goes on, measured by a process of its own, and how often the hub was busy elsewhere. */
export async function alarmLatency(hub: LoadHub, work: () => Promise<void>) {
  const program = path.join(topFolder(), "dist/test/bench/load-probe.js");
  const probe = spawn(process.execPath, [program, hub.mqttUrl, String(hub.httpPort)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  let text = "";
  probe.stdout.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  const ended = once(probe, "exit");
  await passing(1_000);
  await hub.loopDelay();
  try {
    await work();
  } finally {
    probe.stdin.end();
  }
  const { p99Ms, maxMs } = await hub.loopDelay();
  const [code] = (await ended) as [number | null];
  if (code !== 0) throw new Error(`The probe ended with ${code}.`);
  const latencies = JSON.parse(text) as number[];
  return {
    alarms: latencies.length,
    alarmLatencyP50Ms: percentile(latencies, 0.5),
    alarmLatencyP99Ms: percentile(latencies, 0.99),
    alarmLatencyMaxMs: Math.max(...latencies),
    loopDelayP99Ms: p99Ms,
    loopDelayMaxMs: maxMs,
  };
}

/** Resident memory every second while `work` goes on. */
export async function memoryDuring(hub: LoadHub, work: () => Promise<void>) {
  const samples: number[] = [];
  const timer = setInterval(() => samples.push(hub.usage().rssMb), 1_000);
  try {
    await work();
  } finally {
    clearInterval(timer);
  }
  return {
    seconds: samples.length,
    rssStartMb: samples[0] ?? Number.NaN,
    rssEndMb: samples.at(-1) ?? Number.NaN,
    rssMaxMb: Math.max(...samples),
    rssSlopeMbPerMin: slopePerSample(samples.slice(samples.length >> 1)) * 60,
  };
}

/** By least squares, over the second half: a fresh process grows at first. */
function slopePerSample(samples: readonly number[]): number {
  const meanX = (samples.length - 1) / 2;
  const meanY = samples.reduce((sum, y) => sum + y, 0) / samples.length;
  let [above, below] = [0, 0];
  for (const [x, y] of samples.entries()) {
    above += (x - meanX) * (y - meanY);
    below += (x - meanX) ** 2;
  }
  return below === 0 ? 0 : above / below;
}
