import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import path from "node:path";
import { freePort } from "./free-port.ts";
import { Program } from "./process.ts";
import { topFolder } from "./top-folder.ts";

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** A hub with TLS on both ports and one edge node, as processes, set up by their own commands. */
export class TlsSite {
  readonly hub: Program;
  readonly edge: Program;

  private constructor(
    readonly folder: string,
    readonly httpPort: number,
    readonly mqttPort: number,
    private readonly token: string,
  ) {
    const program = (name: string, ...command: string[]) =>
      new Program(name, {
        command,
        env: { PLENUM_TLS_TOKEN: token },
        logFile: path.join(folder, `${name}.log`),
      });
    this.hub = program("hub", "hub/main.js", "--config", this.siteFile);
    this.edge = program("edge", "edge/main.js", "--config", this.edgeFile);
  }

  static async prepare(folder: string, token: string): Promise<TlsSite> {
    mkdirSync(folder, { recursive: true });
    const site = new TlsSite(folder, await freePort(), await freePort(), token);
    const tls = "tls: { names: [localhost, 127.0.0.1] }";
    writeFileSync(
      site.siteFile,
      `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
http: { port: ${site.httpPort}, ${tls} }
mqtt: { port: ${site.mqttPort}, ${tls} }
storage: { path: data }
tokens: [ { name: duty, role: admin, token: "env:PLENUM_TLS_TOKEN" } ]
`,
    );
    writeFileSync(
      site.edgeFile,
      `node: edge-one
hub: { url: "mqtts://localhost:${site.mqttPort}" }
spool: { path: edge/spool.db }
`,
    );
    return site;
  }

  get siteFile(): string {
    return path.join(this.folder, "site.yaml");
  }

  get edgeFile(): string {
    return path.join(this.folder, "edge.yaml");
  }

  /** Runs one command to its end; `input` is its standard input. */
  async run(script: string, args: string[], input = "") {
    const child: ChildProcess = spawn(
      process.execPath,
      [path.join(topFolder(), "dist", script), ...args],
      { env: { ...process.env, PLENUM_TLS_TOKEN: this.token }, stdio: ["pipe", "pipe", "pipe"] },
    );
    let out = "";
    let err = "";
    child.stdout?.on("data", (text) => {
      out += text;
    });
    child.stderr?.on("data", (text) => {
      err += text;
    });
    child.stdin?.end(input);
    const [code] = await once(child, "close");
    return { code: code as number, out, err, text: out + err };
  }

  hubCommand(...args: string[]) {
    return this.run("hub/main.js", ["--config", this.siteFile, ...args]);
  }

  /** The token that `plenum-hub enrol` prints. */
  async tokenFor(node: string): Promise<string> {
    const { text } = await this.hubCommand("enrol", node);
    const token = /^ {2}(\S{66})$/m.exec(text)?.[1];
    if (!token) throw new Error(`no token in: ${text}`);
    return token;
  }

  enrol(token: string, ...more: string[]) {
    const hub = `https://localhost:${this.httpPort}`;
    return this.run(
      "edge/main.js",
      ["enrol", "--config", this.edgeFile, "--hub", hub, ...more],
      token,
    );
  }

  async get(route: string, init: { method?: string; body?: string } = {}): Promise<Answer> {
    const ca = readFileSync(path.join(this.folder, "data", "identity", "ca.pem"));
    return new Promise((resolve, reject) => {
      const asking = request(
        `https://localhost:${this.httpPort}${route}`,
        {
          ca,
          method: init.method ?? "GET",
          agent: false,
          headers: {
            authorization: `Bearer ${this.token}`,
            ...(init.body && { "content-type": "application/json" }),
          },
        },
        (response) => {
          let text = "";
          response.on("data", (chunk) => {
            text += chunk;
          });
          response.on("end", () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          );
        },
      );
      asking.on("error", reject);
      asking.end(init.body);
    });
  }

  async json<T>(route: string): Promise<T> {
    const { status, text } = await this.get(route);
    if (status !== 200) throw new Error(`${route} answered ${status}: ${text}`);
    return JSON.parse(text) as T;
  }

  log(name: "hub" | "edge"): string {
    return readFileSync(path.join(this.folder, `${name}.log`), "utf8");
  }

  async stop(): Promise<void> {
    await this.edge.kill("SIGTERM");
    await this.hub.kill("SIGTERM");
  }
}
