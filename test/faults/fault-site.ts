import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { freePort } from "../system/free-port.ts";
import { type Mailbox, openMailbox } from "../system/mailbox.ts";
import { configure, readPorts, wireToRoom } from "../system/site.ts";
import { topFolder } from "../system/top-folder.ts";
import { until } from "../system/until.ts";
import { Cable } from "./cable.ts";
import { HubApi } from "./hub-api.ts";
import { makeJournal, spoolEnds } from "./journal.ts";
import { canLoop, LoopDisk } from "./loop-disk.ts";
import { capMemory } from "./memory-cap.ts";
import { type NodePlan, pointOf } from "./node-plan.ts";
import { HubRecords, influxStored, type StoredHistory } from "./records.ts";
import { FAKETIME, Service, type ServiceOptions } from "./service.ts";
import {
  type BrokerKind,
  type StoreKind,
  siteText,
  writeInfluxd,
  writeMosquitto,
} from "./settings.ts";
import type { Workplace } from "./workplace.ts";

const TOKEN = "faults-on-loopback-only";
export const CROWD = "crowd";
export const EDGE = "edge-hall";
/** Its spool may fill up. */
export const SMALL = "small";
const PLAYED = ["node-a", "node-b", SMALL] as const;

export interface SiteSize {
  store: StoreKind;
  broker: BrokerKind;
  /** Nodes in the crowd. */
  crowd: number;
}

/** Resident memory above which a run fails, in MB. */
const BOUNDS_MB: Record<string, number> = {
  hub: 450,
  influxd: 1_200,
  mosquitto: 150,
  [EDGE]: 200,
  [CROWD]: 450,
  room: 400,
};
const NODE_BOUND_MB = 200;
const INFLUXD_CAP_MB = 2_048;

/** A whole site as real processes, joined by cables that can be cut, on disks that can fail. */
export class FaultSite {
  readonly services = new Map<string, Service>();
  readonly links = new Map<string, Cable>();
  readonly disks = new Map<string, LoopDisk>();
  readonly plans = new Map<string, NodePlan>();
  readonly baseMs = Date.now();
  records!: HubRecords;
  mailbox!: Mailbox;
  /** Ports of this run, for the packet filter. */
  readonly ports: number[] = [];
  /** How long each storm of reconnections took. */
  readonly stormsMs: number[] = [];
  #api!: HubApi;
  #influxPort = 0;

  private constructor(
    readonly place: Workplace,
    readonly size: SiteSize,
  ) {}

  static async start(place: Workplace, size: SiteSize): Promise<FaultSite> {
    const site = new FaultSite(place, size);
    mkdirSync(place.file("logs"));
    site.#makeDisks();
    site.mailbox = await openMailbox();
    const brokerPort = await site.#startServers();
    await site.#startEdge(brokerPort);
    for (const name of PLAYED) await site.#startPlayed(name, brokerPort);
    await site.#startCrowd(brokerPort);
    return site;
  }

  get history(): StoredHistory {
    return this.size.store === "influx"
      ? influxStored(`http://127.0.0.1:${this.#influxPort}`)
      : (this.records.sqlite ?? missing("history.db"));
  }

  service = (name: string): Service => this.services.get(name) ?? missing(name);
  link = (name: string): Cable => this.links.get(name) ?? missing(name);
  disk = (name: string): LoopDisk => this.disks.get(name) ?? missing(name);

  /** Every node with the file of its spool. */
  spools(): { node: string; file: string }[] {
    const played = [...this.plans.values()].flatMap(({ nodes }) =>
      nodes.map(({ id, spool }) => ({ node: id, file: spool })),
    );
    return [...played, { node: EDGE, file: this.place.file(EDGE, "spool.db") }];
  }

  allOnline(limitMs: number): Promise<void> {
    return this.#api.allOnline(
      this.spools().map(({ node }) => node),
      limitMs,
    );
  }

  /** Every point that a node of the crowd sends each second has a new value. */
  allFresh(limitMs: number): Promise<void> {
    const ids = this.plans.get(CROWD)?.nodes.map(({ id }) => pointOf(id, 0));
    return this.#api.allFresh(ids ?? missing(CROWD), limitMs);
  }

  /** The played nodes spool nothing more. */
  finish(): void {
    for (const name of this.plans.keys()) this.service(name).send({ finish: true });
  }

  async drained(limitMs: number): Promise<void> {
    const files = this.spools().map(({ node, file }) => ({
      node,
      file,
      last: spoolEnds(file).last,
    }));
    for (const { node, file, last } of files)
      await until(
        `${node} to have sent its backlog`,
        async () => {
          await passing(200);
          return spoolEnds(file).first > last;
        },
        limitMs,
      );
  }

  async tellRoom(command: string, target: string): Promise<void> {
    const { http } = readPorts(this.place.file("room", "ports.json")) ?? missing("ports.json");
    const answer = await fetch(`http://127.0.0.1:${http}/do`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ command, target }),
    });
    if (!answer.ok) throw new Error(`The room refused ${command} ${target}`);
  }

  async stop(): Promise<void> {
    for (const service of [...this.services.values()].reverse()) await service.stop();
    for (const link of this.links.values()) await link.close();
    await this.mailbox.close();
  }

  #makeDisks(): void {
    const { place } = this;
    const sizes = { hub: 256, "node-a": 192, [EDGE]: 192, influxd: 512 } as const;
    for (const [name, sizeMb] of Object.entries(sizes)) {
      if (name === "influxd" && this.size.store !== "influx") continue;
      if (canLoop())
        this.disks.set(
          name,
          LoopDisk.make(place.file(name), place.inMemory(`${name}.img`), sizeMb),
        );
      else mkdirSync(place.file(name), { recursive: true });
    }
    this.records = new HubRecords(place.file("hub"));
  }

  /** Room, store, broker and hub. Returns the port that nodes are to reach. */
  async #startServers(): Promise<number> {
    const { place, size } = this;
    const ports = await Promise.all(Array.from({ length: 5 }, freePort));
    const [httpPort = 0, mqttPort = 0, influxPort = 0, rpcPort = 0, mosquittoPort = 0] = ports;
    this.#api = new HubApi(httpPort, TOKEN);
    this.#influxPort = influxPort;
    let influxUrl: string | undefined;
    if (size.store === "influx") {
      const conf = writeInfluxd(place.file("influxd"), influxPort, rpcPort);
      const cap = (pid: number) => capMemory(place.folder, pid, INFLUXD_CAP_MB);
      this.#add("influxd", ["/usr/bin/influxd", "run", "-config", conf], { onStart: cap });
      this.ports.push(influxPort);
      influxUrl = `http://127.0.0.1:${(await this.#cable("store", influxPort)).port}`;
    }
    let brokerUrl: string | undefined;
    if (size.broker === "mosquitto") {
      const conf = writeMosquitto(place.file("mosquitto"), mosquittoPort);
      this.#add("mosquitto", ["/usr/sbin/mosquitto", "-c", conf]);
      brokerUrl = `mqtt://127.0.0.1:${(await this.#cable("broker", mosquittoPort)).port}`;
    }
    const brokerPort = brokerUrl ? mosquittoPort : mqttPort;
    this.ports.push(brokerPort);
    const { hookUrl } = this.mailbox;
    const yaml = place.file("site.yaml");
    writeFileSync(yaml, siteText({ httpPort, mqttPort, brokerUrl, influxUrl, hookUrl }));
    this.#add("hub", node("hub/main.js", "--config", yaml), {
      env: { PLENUM_DEMO_TOKEN: TOKEN },
      clock: true,
    });
    return brokerPort;
  }

  async #startEdge(brokerPort: number): Promise<void> {
    const { place } = this;
    mkdirSync(place.file("room"));
    const portsFile = place.file("room", "ports.json");
    const w1 = place.file("room", "w1");
    const anyPort = ["--port-base", "0", "--http-port", "0"];
    this.#add(
      "room",
      node("test/room/main.js", ...anyPort, "--ports-file", portsFile, "--w1-dir", w1),
    );
    const ports = await until("the room's ports", () => readPorts(portsFile));
    const cable = await this.#cable(EDGE, brokerPort);
    configure(place.folder, `${EDGE}.yaml`, (edge) => wireToRoom(edge, cable.port, ports));
    makeJournal(place.file(EDGE, "spool.db"));
    // Three refusals of the disk would make the node keep rows in memory only, where nobody can count them.
    const memory = place.file("run");
    mkdirSync(memory);
    this.#add(EDGE, node("edge/main.js", "--config", place.file(`${EDGE}.yaml`)), {
      env: { RUNTIME_DIRECTORY: path.join(memory, "gone") },
    });
  }

  async #startPlayed(name: string, brokerPort: number): Promise<void> {
    const cable = await this.#cable(name, brokerPort);
    await this.#addPlayed(name, {
      nodes: [{ id: name, spool: this.place.file(name, "spool.db") }],
      url: `mqtt://127.0.0.1:${cable.port}`,
      ...{ pointsEach: 5, rowsPerSecond: name === SMALL ? 100 : 50, doorEvery: 150 },
      quotaBytes: name === SMALL ? 100_000 : 256 * 1_048_576,
      baseMs: this.baseMs,
    });
  }

  async #startCrowd(brokerPort: number): Promise<void> {
    const cable = await this.#cable(CROWD, brokerPort);
    const ids = Array.from({ length: this.size.crowd }, (_, n) => `${CROWD}-${n}`);
    await this.#addPlayed(CROWD, {
      nodes: ids.map((id) => ({ id, spool: this.place.file(CROWD, id, "spool.db") })),
      url: `mqtt://127.0.0.1:${cable.port}`,
      ...{ pointsEach: 2, rowsPerSecond: 1, doorEvery: 0 },
      ...{ quotaBytes: 64 * 1_048_576, baseMs: this.baseMs },
    });
  }

  async #addPlayed(name: string, plan: NodePlan): Promise<void> {
    for (const { spool } of plan.nodes) makeJournal(spool);
    this.plans.set(name, plan);
    this.#add(name, node("test/faults/node-program.js", JSON.stringify(plan)), {
      onMessage: () => undefined,
      clock: name === "node-b",
    });
  }

  async #cable(name: string, targetPort: number): Promise<Cable> {
    const cable = await Cable.open(targetPort);
    this.links.set(name, cable);
    this.ports.push(cable.port);
    return cable;
  }

  #add(
    name: string,
    command: readonly string[],
    { clock = false, ...more }: Partial<ServiceOptions> & { clock?: boolean } = {},
  ): void {
    const service = new Service(name, {
      command,
      logFile: this.place.file("logs", `${name}.log`),
      mark: this.place.folder,
      boundMb: BOUNDS_MB[name] ?? NODE_BOUND_MB,
      clockFile: clock && FAKETIME ? this.place.file(`${name}.clock`) : undefined,
      ...more,
    });
    this.services.set(name, service);
    service.start();
  }
}

const node = (script: string, ...args: string[]): string[] => [
  process.execPath,
  path.join(topFolder(), "dist", script),
  ...args,
];

function missing(what: string): never {
  throw new Error(`This site has no ${what}.`);
}

export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
