import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const PROGRAM = "/usr/bin/influxd";
const START_MS = 20_000;

export interface Influxd {
  /** `http://127.0.0.1:<port>`; the same after a restart. */
  url: string;
  /** Host and port of its backup service. */
  rpc: string;
  /** Where its data lie. */
  folder: string;
  pid(): number;
  /** Sends a signal and, unless it is SIGSTOP or SIGCONT, waits until the process has ended. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same data and port; waits until it answers. */
  restart(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * A real InfluxDB 1.x on free loopback ports with its own data in a temporary folder. Throws with what
 * to install when it is not there. With `auth` every request needs a user, but for making the first admin.
 * Its data lie in a new folder `within` another.
 */
export async function startInfluxd({ auth = false, within = tmpdir() } = {}): Promise<Influxd> {
  if (!existsSync(PROGRAM))
    throw new Error(`${PROGRAM} is missing. Install it with: sudo apt-get install influxdb`);
  const folder = await mkdtemp(path.join(within, "plenum-influxd-"));
  const [httpPort, rpcPort] = await freePorts();
  const config = path.join(folder, "influxdb.conf");
  await writeFile(config, influxdConfig({ folder, httpPort, rpcPort, auth }));
  const url = `http://127.0.0.1:${httpPort}`;
  let child = run(config);
  await answering(url, child);
  return {
    url,
    rpc: `127.0.0.1:${rpcPort}`,
    folder,
    pid: () => child.process.pid ?? 0,
    async kill(signal) {
      if (signal === "SIGSTOP" || signal === "SIGCONT") child.process.kill(signal);
      else await end(child, signal);
    },
    async restart() {
      await end(child, "SIGTERM");
      child = run(config);
      await answering(url, child);
    },
    async stop() {
      child.process.kill("SIGCONT");
      await end(child, "SIGKILL");
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Child {
  process: ChildProcess;
  ended: Promise<void>;
  /** The end of what it printed, to show when it does not start. */
  output(): string;
}

function run(config: string): Child {
  const child = spawn(PROGRAM, ["run", "-config", config], { stdio: ["ignore", "pipe", "pipe"] });
  let text = "";
  const keep = (chunk: Buffer) => {
    text = (text + chunk.toString()).slice(-4_000);
  };
  child.stdout.on("data", keep);
  child.stderr.on("data", keep);
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  return { process: child, ended, output: () => text };
}

async function end(child: Child, signal: NodeJS.Signals): Promise<void> {
  if (child.process.exitCode === null && child.process.signalCode === null)
    child.process.kill(signal);
  await child.ended;
}

async function answering(url: string, child: Child): Promise<void> {
  const deadline = performance.now() + START_MS;
  let gone = false;
  void child.ended.then(() => {
    gone = true;
  });
  while (performance.now() < deadline && !gone) {
    const answered = await fetch(`${url}/ping`, { signal: AbortSignal.timeout(1_000) }).then(
      (response) => response.ok,
      () => false,
    );
    if (answered) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`influxd does not answer at ${url}:\n${child.output()}`);
}

async function freePorts(): Promise<[number, number]> {
  const servers = await Promise.all([listen(), listen()]);
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((done) => server.close(done))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}

function listen() {
  return new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve(server));
  });
}

export interface InfluxdSettings {
  folder: string;
  httpPort: number;
  rpcPort: number;
  auth: boolean;
}

/** An `influxdb.conf` that keeps everything below one folder. */
export function influxdConfig({ folder, httpPort, rpcPort, auth }: InfluxdSettings): string {
  return `reporting-disabled = true
bind-address = "127.0.0.1:${rpcPort}"
[meta]
  dir = "${folder}/meta"
[data]
  dir = "${folder}/data"
  wal-dir = "${folder}/wal"
  index-version = "tsi1"
  wal-fsync-delay = "0s"
  query-log-enabled = false
[retention]
  check-interval = "1s"
[coordinator]
  max-select-buckets = 20000
[monitor]
  store-enabled = false
[http]
  bind-address = "127.0.0.1:${httpPort}"
  auth-enabled = ${auth}
  log-enabled = false
[subscriber]
  enabled = false
[continuous_queries]
  enabled = false
`;
}
