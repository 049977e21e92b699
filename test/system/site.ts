import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { type Document, parseDocument } from "yaml";
import type { Health, PointView } from "../../contract/api.ts";
import { freePort } from "./free-port.ts";
import { Program } from "./process.ts";
import { topFolder } from "./top-folder.ts";
import { until } from "./until.ts";

export const PROGRAMS = ["room", "hub", "edge-hall", "edge-plant"] as const;
export type ProgramName = (typeof PROGRAMS)[number];

export interface SiteOptions {
  dataDir: string;
  token: string;
  /** 0 or absent: any free port. */
  httpPort?: number;
  mqttPort?: number;
  influxUrl?: string;
  /** Lets a test change site.yaml before the hub reads it. */
  edit?: (site: Document) => void;
  onUnexpectedExit?: (program: ProgramName, code: number | null) => void;
}

/** What the room writes about itself when it is ready. */
export interface RoomPorts {
  http: number;
  wire: number;
  tcp: Record<string, number>;
  rtu: string;
}

/**
 * The demonstration site as real processes: simulated room, hub and two edge nodes, all on loopback,
 * everything they keep below one folder.
 */
export class Site {
  private constructor(
    readonly url: string,
    readonly mqttUrl: string,
    private readonly token: string,
    readonly dataDir: string,
    private readonly roomUrl: string,
    readonly programs: Record<ProgramName, Program>,
  ) {}

  static async start(options: SiteOptions): Promise<Site> {
    const { dataDir, token } = options;
    mkdirSync(path.join(dataDir, "logs"), { recursive: true, mode: 0o700 });
    const portsFile = path.join(dataDir, "room", "ports.json");
    rmSync(portsFile, { force: true });
    mkdirSync(path.dirname(portsFile), { recursive: true });

    const program = (name: ProgramName, ...command: string[]) =>
      new Program(name, {
        command,
        env: { PLENUM_DEMO_TOKEN: token },
        logFile: path.join(dataDir, "logs", `${name}.log`),
        onUnexpectedExit: (code) => options.onUnexpectedExit?.(name, code),
      });
    const room = program(
      "room",
      "test/room/main.js",
      "--port-base",
      "0",
      "--http-port",
      "0",
      "--ports-file",
      portsFile,
      "--w1-dir",
      path.join(dataDir, "room", "w1"),
    );
    room.start();
    const ports = await until("the room's ports", () => readPorts(portsFile));

    const httpPort = options.httpPort || (await freePort());
    const mqttPort = options.mqttPort || (await freePort());
    configure(dataDir, "site.yaml", (site) => {
      site.setIn(["http", "port"], httpPort);
      site.setIn(["mqtt", "port"], mqttPort);
      if (options.influxUrl)
        site.setIn(["storage", "influx"], { url: options.influxUrl, database: "plenum" });
      options.edit?.(site);
    });
    for (const file of ["edge-hall.yaml", "edge-plant.yaml"])
      configure(dataDir, file, (edge) => wireToRoom(edge, mqttPort, ports));

    const programs = {
      room,
      hub: program("hub", "hub/main.js", "--config", path.join(dataDir, "site.yaml")),
      "edge-hall": program(
        "edge-hall",
        "edge/main.js",
        "--config",
        path.join(dataDir, "edge-hall.yaml"),
      ),
      "edge-plant": program(
        "edge-plant",
        "edge/main.js",
        "--config",
        path.join(dataDir, "edge-plant.yaml"),
      ),
    };
    for (const name of PROGRAMS.slice(1)) programs[name].start();
    return new Site(
      `http://127.0.0.1:${httpPort}`,
      `mqtt://127.0.0.1:${mqttPort}`,
      token,
      dataDir,
      `http://127.0.0.1:${ports.http}`,
      programs,
    );
  }

  /** GET on the hub's API. */
  async get<T>(route: string): Promise<T> {
    const answer = await fetch(`${this.url}${route}`, { headers: this.#headers() });
    if (!answer.ok) throw new Error(`${route} answered ${answer.status}: ${await answer.text()}`);
    return (await answer.json()) as T;
  }

  async post(route: string, body: unknown = {}): Promise<Response> {
    return fetch(`${this.url}${route}`, {
      method: "POST",
      headers: { ...this.#headers(), "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  }

  /** Undefined while the hub does not answer. */
  async health(): Promise<Health | undefined> {
    try {
      return await this.get<Health>("/api/v1/health");
    } catch (error) {
      if (error instanceof Error) return undefined;
      throw error;
    }
  }

  /**
   * Resolves once both nodes are connected and every point has a fresh reading, but for what a node
   * cannot know about itself in its first seconds.
   */
  ready(limitMs = 30_000): Promise<Health> {
    return until(
      "every point fresh",
      async () => {
        const health = await this.health();
        if (!health || health.nodes.online < 2 || health.points.total === 0) return undefined;
        const missing = health.points.total - health.points.fresh;
        return missing === 0 || missing === (await this.#notReady()) ? health : undefined;
      },
      limitMs,
    ).catch((error: Error) => {
      throw new Error(
        `${error.message}; the hub's log ends with: ${this.log("hub").slice(-1_000)}`,
      );
    });
  }

  async #notReady(): Promise<number> {
    const { items } = await this.get<{ items: PointView[] }>("/api/v1/points");
    return items.filter(({ reason, stale }) => reason === "not-ready" && !stale).length;
  }

  /** Does something to the simulated room, for instance `tell("unplug", "a03.inlet-top")`. */
  async tell(command: string, target: string, value?: number): Promise<void> {
    const answer = await fetch(`${this.roomUrl}/do`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ command, target, value }),
    });
    if (!answer.ok)
      throw new Error(`The room refused ${command} ${target}: ${await answer.text()}`);
  }

  /** What is physically true in the simulated room, by point. */
  async truth(): Promise<Record<string, number>> {
    return (await (await fetch(`${this.roomUrl}/state`)).json()) as Record<string, number>;
  }

  log(program: ProgramName): string {
    return readFileSync(path.join(this.dataDir, "logs", `${program}.log`), "utf8");
  }

  async stop(): Promise<void> {
    for (const name of [...PROGRAMS].reverse()) {
      await this.programs[name].kill("SIGCONT");
      await this.programs[name].kill("SIGTERM");
    }
  }

  #headers() {
    return { authorization: `Bearer ${this.token}` };
  }
}

export function readPorts(file: string): RoomPorts | undefined {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as RoomPorts;
  } catch (error) {
    if (error instanceof SyntaxError || (error as NodeJS.ErrnoException).code === "ENOENT")
      return undefined;
    throw error;
  }
}

/** Copies one demonstration file into the data folder with this run's ports. */
export function configure(
  dataDir: string,
  file: string,
  change: (document: Document) => void,
): void {
  const document = parseDocument(
    readFileSync(path.join(topFolder(), "deploy", "demo", file), "utf8"),
  );
  change(document);
  writeFileSync(path.join(dataDir, file), document.toString({ lineWidth: 0 }), { mode: 0o600 });
}

export function wireToRoom(edge: Document, mqttPort: number, ports: RoomPorts): void {
  edge.setIn(["hub", "url"], `mqtt://127.0.0.1:${mqttPort}`);
  const buses = edge.toJS().buses as { id: string; type: string }[];
  for (const [index, bus] of buses.entries()) {
    const at = (key: string) => ["buses", index, key];
    if (bus.type === "i2c") edge.setIn(at("device"), `tcp://127.0.0.1:${ports.wire}`);
    if (bus.type === "gpio") edge.setIn(at("chip"), `tcp://127.0.0.1:${ports.wire}`);
    if (bus.type === "modbus-rtu") edge.setIn(at("device"), ports.rtu);
    if (bus.type === "modbus-tcp") edge.setIn(at("port"), ports.tcp[bus.id.replace(/^net-/, "")]);
  }
}
