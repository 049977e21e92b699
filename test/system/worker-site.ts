import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import type { ExternalTarget } from "../../hub/external-broker/target.ts";
import type { ProcessName } from "../../hub/workers/process-end.ts";
import { freePort } from "./free-port.ts";
import { Program } from "./process.ts";
import { until } from "./until.ts";

const RESTART_MS = 500;

export interface AlarmRecord {
  alarm: string;
  change: string;
  occurrence: number;
}

/** Several workers of one hub as real processes, started again when they end, as systemd would. */
export class WorkerSite {
  readonly workers: Record<string, Program>;
  readonly #paused = new Set<string>();
  #stopping = false;

  private constructor(
    readonly folder: string,
    readonly httpPort: number,
    names: readonly string[],
  ) {
    this.workers = Object.fromEntries(names.map((name) => [name, this.#program(name)]));
  }

  static async start(
    folder: string,
    names: readonly string[],
    { target, influxUrl }: { target: ExternalTarget; influxUrl: string },
  ): Promise<WorkerSite> {
    const site = new WorkerSite(folder, await freePort(), names);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, "site.yaml"), siteText(site.httpPort, target, influxUrl));
    for (const program of Object.values(site.workers)) program.start();
    return site;
  }

  async kill(worker: string): Promise<void> {
    await this.workers[worker]?.kill("SIGKILL");
    await passing(RESTART_MS);
    this.workers[worker]?.start();
  }

  /** Stops a worker for a while. One that lets its leases run out is ended by another and starts anew. */
  async pause(worker: string, ms: number): Promise<void> {
    this.#paused.add(worker);
    await this.workers[worker]?.kill("SIGSTOP");
    await passing(ms);
    if (this.#paused.delete(worker)) await this.workers[worker]?.kill("SIGCONT");
  }

  leader(): Promise<string> {
    return until("a leader", () => this.#leaderNow());
  }

  /** Rises with each change of the leader. */
  leadToken(): number {
    return (
      this.#read("leases.db", (db) =>
        db.prepare<[], number>("SELECT token FROM lease WHERE name = 'lead'").pluck().get(),
      ) ?? 0
    );
  }

  /** The API of whoever leads answers. */
  ready(limitMs = 30_000): Promise<unknown> {
    const look = () =>
      fetch(`http://127.0.0.1:${this.httpPort}/healthz`).then(
        () => true,
        () => false,
      );
    return until("the API to answer", look, limitMs);
  }

  /** Everything the ledger says of alarms of one rule, in order. */
  alarms(rule: string): AlarmRecord[] {
    return this.#read("hub.db", (db) =>
      db
        .prepare<[], { type: string; record: string }>(
          "SELECT type, record FROM ledger WHERE type LIKE 'alarm.%' ORDER BY seq",
        )
        .all()
        .map(({ type, record }) => ({ change: type.slice(6), detail: JSON.parse(record) }))
        .filter(({ detail }) => detail.rule === rule)
        .map(({ change, detail }) => ({
          change,
          alarm: detail.alarm as string,
          occurrence: detail.occurrence as number,
        })),
    );
  }

  doorEvents(node: string): { stored: number; gaps: number } {
    return this.#read("hub.db", (db) => {
      const count = (where: string) =>
        db
          .prepare<[string], number>(`SELECT count(*) FROM ledger WHERE node = ? AND ${where}`)
          .pluck()
          .get(node) ?? 0;
      return { stored: count("source_seq IS NOT NULL"), gaps: count("type = 'door.gap'") };
    });
  }

  quarantined(): unknown[] {
    return this.#read("hub.db", (db) => db.prepare("SELECT * FROM quarantine").all());
  }

  log(worker: string): string {
    return readFileSync(path.join(this.folder, `${worker}.log`), "utf8");
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    for (const program of Object.values(this.workers)) {
      await program.kill("SIGCONT");
      await program.kill("SIGTERM");
    }
  }

  #program(name: string): Program {
    return new Program(name, {
      command: ["hub/main.js", "--config", path.join(this.folder, "site.yaml"), "--worker", name],
      logFile: path.join(this.folder, `${name}.log`),
      onUnexpectedExit: () => {
        this.#paused.delete(name);
        setTimeout(() => {
          if (!this.#stopping) this.workers[name]?.start();
        }, RESTART_MS);
      },
    });
  }

  #leaderNow(): string | undefined {
    const owner = this.#read("leases.db", (db) =>
      db
        .prepare<[number], string>("SELECT owner FROM lease WHERE name = 'lead' AND expires_ms > ?")
        .pluck()
        .get(Number(process.hrtime.bigint() / 1_000_000n)),
    );
    if (!owner) return undefined;
    const { pid } = JSON.parse(owner) as ProcessName;
    return Object.keys(this.workers).find((name) => this.workers[name]?.isRunning(pid));
  }

  #read<T>(file: string, look: (db: Database.Database) => T): T {
    const db = new Database(path.join(this.folder, "hub", file), { readonly: true });
    try {
      db.pragma("busy_timeout = 5000");
      return look(db);
    } finally {
      db.close();
    }
  }
}

export function passing(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function siteText(httpPort: number, target: ExternalTarget, influxUrl: string): string {
  const { ca, cert, key } = target.tls ?? { ca: "", cert: "", key: "" };
  return `site:
  id: workers
  label: Workers
  timezone: Europe/Helsinki
  rooms:
    - { id: hall, label: Hall, widthM: 10, depthM: 10, rows: [], doors: [] }
http: { port: ${httpPort} }
mqtt:
  external: { url: "${target.url}", ca: "file:${ca}", cert: "file:${cert}", key: "file:${key}" }
storage:
  path: ./hub
  influx: { url: "${influxUrl}", database: plenum }
alarms:
  - { id: hot, points: ["*.hot"], above: 27, deadband: 0.5, priority: 2, title: "{label} {value}" }
`;
}
