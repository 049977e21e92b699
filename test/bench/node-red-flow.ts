import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import { freePort } from "../system/free-port.ts";
import { until } from "./load-hub.ts";
import { type Usage, usageOf } from "./usage.ts";

const PACKAGES = ["node-red@4.1.15", "node-red-contrib-influxdb@0.7.0"];
const INSTALL_MS = 300_000;

/** Where Node-RED stays between runs; it is no part of this project. */
function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME || path.join(homedir(), ".cache");
  return path.join(base, "plenum-bench", "node-red");
}

/** Node-RED's main file, installed on first use. Throws when it cannot be had. */
export function installNodeRed(): string {
  const folder = cacheFolder();
  const main = path.join(folder, "node_modules/node-red/red.js");
  if (existsSync(main)) return main;
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, "package.json"), '{"private":true}');
  process.stderr.write(`Installing ${PACKAGES.join(" and ")} into ${folder} …\n`);
  const args = ["install", "--no-audit", "--no-fund", "--omit=optional", ...PACKAGES];
  const { status, stderr } = spawnSync("npm", args, { cwd: folder, timeout: INSTALL_MS });
  if (status !== 0 || !existsSync(main))
    throw new Error(`npm could not install Node-RED: ${String(stderr).slice(-400)}`);
  return main;
}

/** What a Plenum hub does with readings, as a person would write it: limit with a deadband, in batches. */
const FUNCTION = `
const sender = msg.topic.split("/")[2];
const held = context.get("held");
for (const [point, at, value] of msg.payload.rows) {
  const was = held.alarms.get(point) || false;
  const is = was ? value > 999999 : value > 1000000;
  if (is !== was) held.alarms.set(point, is);
  const place = point.slice(0, point.lastIndexOf("."));
  held.rows.push({ measurement: "point", tags: { node: sender, place, point }, fields: { value }, timestamp: at });
}
if (held.rows.length < 5000) return null;
msg.payload = held.rows;
held.rows = [];
return msg;
`;
const AT_START = `
const held = { alarms: new Map(), rows: [] };
context.set("held", held);
context.set("timer", setInterval(() => {
  if (held.rows.length === 0) return;
  node.send({ payload: held.rows });
  held.rows = [];
}, 1000));
`;

export interface FlowTargets {
  mqttPort: number;
  influxUrl: string;
  database: string;
}

function flows({ mqttPort, influxUrl, database }: FlowTargets): object[] {
  const { hostname, port } = new URL(influxUrl);
  return [
    { id: "tab", type: "tab", label: "bench" },
    {
      ...{ id: "broker", type: "mqtt-broker", broker: "127.0.0.1", port: String(mqttPort) },
      ...{ clientid: "node-red", protocolVersion: "4", keepalive: "60", cleansession: true },
    },
    {
      ...{ id: "store", type: "influxdb", hostname, port, protocol: "http", database },
      ...{ name: "InfluxDB", usetls: false, influxdbVersion: "1.x" },
    },
    {
      ...{ id: "in", type: "mqtt in", z: "tab", topic: "plenum/v1/+/data", qos: "1" },
      ...{ datatype: "json", broker: "broker", inputs: 0, wires: [["judge"]] },
    },
    {
      ...{ id: "judge", type: "function", z: "tab", func: FUNCTION, outputs: 1 },
      ...{ initialize: AT_START, finalize: "clearInterval(context.get('timer'));" },
      ...{ libs: [], wires: [["out"]] },
    },
    {
      ...{ id: "out", type: "influxdb batch", z: "tab", influxdb: "store", precision: "ms" },
      ...{ retentionPolicy: "", name: "", wires: [] },
    },
  ];
}

/** Node-RED with one flow: mqtt in → function with hysteresis → influxdb batch. */
export class NodeRed {
  readonly #process: ChildProcess;

  private constructor(child: ChildProcess) {
    this.#process = child;
  }

  static async start(folder: string, targets: FlowTargets): Promise<NodeRed> {
    mkdirSync(folder, { recursive: true });
    const main = installNodeRed();
    const port = await freePort();
    writeFileSync(path.join(folder, "flows.json"), JSON.stringify(flows(targets)));
    // Without the editor and its palette it costs less, so the comparison does it no wrong.
    const settings = `module.exports = { uiHost: "127.0.0.1", uiPort: ${port}, flowFile: "flows.json",
      credentialSecret: false, httpAdminRoot: false, telemetry: { enabled: false },
      nodesDir: ${JSON.stringify(path.join(cacheFolder(), "node_modules/node-red-contrib-influxdb"))},
      logging: { console: { level: "info", metrics: false, audit: false } } };`;
    const file = path.join(folder, "settings.js");
    writeFileSync(file, settings);
    const child = spawn(process.execPath, [main, "--userDir", folder, "--settings", file], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (chunk: Buffer) => {
        said = (said + chunk.toString()).slice(-8_000);
      });
    await until(() => {
      if (child.exitCode !== null) throw new Error(`Node-RED ended:\n${said}`);
      if (said.includes("[error]")) throw new Error("Its flow does not run.");
      return said.includes("Connected to broker");
    }, 60_000).catch((error: Error) => {
      child.kill("SIGKILL");
      throw new Error(`${error.message} Node-RED said:\n${said}`);
    });
    return new NodeRed(child);
  }

  usage(): Usage {
    return usageOf(this.#process.pid ?? 0);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode !== null) return;
    this.#process.kill("SIGTERM");
    await once(this.#process, "exit");
  }
}
