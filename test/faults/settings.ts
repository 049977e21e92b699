import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { FILES, mosquittoFiles } from "../../hub/external-broker/mosquitto-config.ts";
import { influxdConfig } from "../hub/history/influxd.ts";

export type StoreKind = "influx" | "sqlite";
export type BrokerKind = "embedded" | "mosquitto";

export interface HubSettings {
  httpPort: number;
  /** Where the hub listens itself. */
  mqttPort: number;
  /** The broker it goes to instead. */
  brokerUrl: string | undefined;
  influxUrl: string | undefined;
  hookUrl: string;
}

export function siteText(settings: HubSettings): string {
  const { httpPort, mqttPort, brokerUrl, influxUrl, hookUrl } = settings;
  const mqtt = brokerUrl
    ? `{ external: { url: "${brokerUrl}" } }`
    : `{ host: 127.0.0.1, port: ${mqttPort} }`;
  return `site:
  id: faults
  label: Faults
  timezone: Europe/Helsinki
  rooms:
    - { id: hall, label: Hall, widthM: 10, depthM: 10, rows: [], doors: [] }
http: { host: 127.0.0.1, port: ${httpPort} }
mqtt: ${mqtt}
storage:
  path: ./hub
${influxUrl ? `  influx: { url: "${influxUrl}", database: plenum }\n` : ""}tokens:
  - { name: faults, role: admin, token: "env:PLENUM_DEMO_TOKEN" }
receivers:
  - { id: desk, webhook: { url: "${hookUrl}", allowPrivate: true } }
alarms:
  - { id: hot, points: ["*.hot"], above: 27, deadband: 0.5, priority: 1, title: "{label} {value}", receivers: [desk] }
  - { id: silent, points: ["crowd-*.p0"], stale: true, onDelay: 60s, priority: 3, title: "{label} silent", receivers: [desk] }
`;
}

/** Writes the file and returns its path. */
export function writeInfluxd(folder: string, httpPort: number, rpcPort: number): string {
  mkdirSync(folder, { recursive: true });
  const file = path.join(folder, "influxdb.conf");
  writeFileSync(file, influxdConfig({ folder, httpPort, rpcPort, auth: false }));
  return file;
}

/** The limits that `plenum-hub mosquitto-config` writes, on loopback without certificates. */
export function writeMosquitto(folder: string, port: number): string {
  mkdirSync(path.join(folder, "kept"), { recursive: true });
  const full = mosquittoFiles({ folder, port, revoked: [] })[FILES.conf] ?? "";
  const limits = full.slice(0, full.indexOf("\nlistener "));
  const user = process.getuid?.() === 0 ? "user root\n" : "";
  const file = path.join(folder, "mosquitto.conf");
  writeFileSync(
    file,
    `${user}persistence_location ${folder}/kept/\nlog_dest stdout\n${limits}
listener ${port} 127.0.0.1
max_connections 1200
allow_anonymous true
`,
  );
  return file;
}
