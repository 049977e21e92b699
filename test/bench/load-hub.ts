import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "../system/free-port.ts";
import { topFolder } from "../system/top-folder.ts";
import type { LoopDelay } from "./loop-watch.ts";
import { type Usage, usageOf } from "./usage.ts";

export const TOKEN = "bench-token-on-loopback-only";
/** A live value above it raises an alarm. */
export const ALARM_ABOVE = 1_000_000;

/** A hub as a process of its own, with an alarm rule on every point. `BENCH_HUB` names another built main.js. */
export class LoadHub {
  readonly httpPort: number;
  readonly mqttUrl: string;
  readonly folder: string;
  readonly #process: ChildProcess;

  private constructor(
    child: ChildProcess,
    at: { httpPort: number; mqttPort: number; folder: string },
  ) {
    this.#process = child;
    this.httpPort = at.httpPort;
    this.mqttUrl = `mqtt://127.0.0.1:${at.mqttPort}`;
    this.folder = at.folder;
  }

  /** History in InfluxDB's `database`, or in the embedded store without it. `rules` are further lines of alarms. */
  static async start(
    folder: string,
    influx?: { url: string; database: string },
    rules = "",
  ): Promise<LoadHub> {
    const [httpPort, mqttPort] = [await freePort(), await freePort()];
    const file = path.join(folder, "site.yaml");
    writeFileSync(file, siteText({ httpPort, mqttPort }, influx) + rules);
    const main = process.env.BENCH_HUB ?? path.join(topFolder(), "dist/hub/main.js");
    const watch = ["--import", path.join(topFolder(), "dist/test/bench/loop-watch.js")];
    const child = spawn(process.execPath, [...watch, main, "--config", file], {
      env: { ...process.env, BENCH_TOKEN: TOKEN },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    const hub = new LoadHub(child, { httpPort, mqttPort, folder: path.join(folder, "data") });
    await until(async () => {
      if (child.exitCode !== null) throw new Error("The hub ended at once.");
      const url = `http://127.0.0.1:${httpPort}/healthz`;
      const answer = await fetch(url).catch(() => undefined);
      return answer?.ok ?? false;
    }, 30_000);
    return hub;
  }

  usage(): Usage {
    return usageOf(this.#process.pid ?? 0);
  }

  /** How long the hub's event loop was held up since the last such question. */
  async loopDelay(): Promise<LoopDelay> {
    const answer = once(this.#process, "message");
    this.#process.send("delay");
    const [found] = (await answer) as [LoopDelay];
    return found;
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }
}

function siteText(
  { httpPort, mqttPort }: { httpPort: number; mqttPort: number },
  influx: { url: string; database: string } | undefined,
): string {
  const history = influx ? `, influx: { url: "${influx.url}", database: ${influx.database} }` : "";
  return `site: { id: bench, label: Bench, timezone: UTC, rooms: [ { id: r, label: Room, widthM: 1, depthM: 1, rows: [] } ] }
http: { host: 127.0.0.1, port: ${httpPort} }
mqtt: { host: 127.0.0.1, port: ${mqttPort} }
storage: { path: ./data${history} }
tokens: [ { name: bench, role: admin, token: "env:BENCH_TOKEN" } ]
receivers: []
alarms:
  - { id: high, points: ["*"], above: ${ALARM_ABOVE}, deadband: 1, onDelay: 0s, offDelay: 0s, priority: 2, title: "{label}", receivers: [] }
  - { id: stale, points: ["*"], stale: true, onDelay: 60s, offDelay: 0s, priority: 3, title: "{label}", receivers: [] }
`;
}

export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

export async function until(
  done: () => boolean | Promise<boolean>,
  limitMs: number,
): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await done())) {
    if (performance.now() > end) throw new Error(`Not done within ${limitMs / 1_000} s.`);
    await passing(50);
  }
}
