import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { issueForBroker, requestFor } from "../../../hub/external-broker/broker-certificates.ts";
import { FILES, mosquittoFiles } from "../../../hub/external-broker/mosquitto-config.ts";
import type { ExternalTarget } from "../../../hub/external-broker/target.ts";
import { openAuthority } from "../../../hub/identity/authority.ts";
import { freePort } from "../../system/free-port.ts";
import { until } from "../../system/until.ts";

const PROGRAM = "/usr/sbin/mosquitto";

export interface Certificate {
  cert: string;
  key: string;
  serial: string;
}

/** A real Mosquitto with TLS, by the files that `plenum-hub mosquitto-config` writes. */
export class Mosquitto {
  #child: ChildProcess | undefined;

  private constructor(
    readonly folder: string,
    readonly port: number,
    readonly ca: string,
  ) {}

  static async start(): Promise<Mosquitto> {
    if (!existsSync(PROGRAM))
      throw new Error(`${PROGRAM} is missing. Install it with: sudo apt-get install mosquitto`);
    const folder = mkdtempSync(path.join(tmpdir(), "plenum-mosquitto-"));
    const authority = path.join(folder, "authority");
    const certificates = await issueForBroker({
      ...{ folder: authority, names: ["127.0.0.1", "localhost"], revoked: [], now: Date.now() },
    });
    const { ca, hub } = certificates;
    const broker = new Mosquitto(folder, await freePort(), ca);
    writeFileSync(broker.file("hub.crt"), hub.cert);
    writeFileSync(broker.file("hub.key"), hub.key);
    writeFileSync(broker.file(FILES.ca), ca);
    writeFileSync(broker.file(FILES.cert), certificates.broker.cert);
    writeFileSync(broker.file(FILES.key), certificates.broker.key);
    writeFileSync(broker.file(FILES.crl), certificates.revoked);
    broker.#configure([]);
    await broker.restart();
    return broker;
  }

  file = (name: string): string => path.join(this.folder, name);

  /** How a hub reaches it. */
  get target(): ExternalTarget {
    const tls = { ca: this.file(FILES.ca), cert: this.file("hub.crt"), key: this.file("hub.key") };
    return { url: `mqtts://127.0.0.1:${this.port}`, tls };
  }

  /** A client certificate for this name, from the hub's own authority or a stranger's. */
  async certify(name: string, authority = "authority"): Promise<Certificate> {
    const opened = await openAuthority(this.file(authority), Date.now());
    const { key, text } = await requestFor(name);
    const { certificate, serial } = await opened.signNode(name, text, Date.now());
    return { cert: certificate, key, serial };
  }

  async revoke(node: string, { serial }: Certificate): Promise<void> {
    const { revoked } = await issueForBroker({
      folder: this.file("authority"),
      names: ["127.0.0.1"],
      revoked: [{ serial, at: Date.now() }],
      now: Date.now(),
    });
    writeFileSync(this.file(FILES.crl), revoked);
    this.#configure([node]);
    this.#child?.kill("SIGHUP");
  }

  /** Connects as an edge node does. Rejects when the broker does not let it in. */
  async join(
    node: string,
    identity: Pick<Certificate, "cert" | "key"> | undefined,
    options: IClientOptions = {},
  ): Promise<MqttClient> {
    const client = await connectAsync(
      `mqtts://127.0.0.1:${this.port}`,
      {
        ...{ ca: this.ca, ...identity, clientId: node, clean: true, reconnectPeriod: 0 },
        ...{ protocolVersion: 4, ...options },
      },
      false,
    );
    client.on("error", () => undefined);
    return client;
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (!child) return;
    child.kill(signal);
    if (signal === "SIGSTOP" || signal === "SIGCONT") return;
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    this.#child = undefined;
  }

  async restart(): Promise<void> {
    await this.kill("SIGTERM");
    const child = spawn(PROGRAM, ["-c", this.file("mosquitto.conf")], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => {
      said = (said + chunk.toString()).slice(-4_000);
    });
    this.#child = child;
    await until("mosquitto to listen", async () => {
      if (child.exitCode !== null) throw new Error(`mosquitto did not start:\n${said}`);
      return answers(this.port);
    });
  }

  async stop(): Promise<void> {
    this.#child?.kill("SIGCONT");
    await this.kill("SIGKILL");
    rmSync(this.folder, { recursive: true, force: true });
  }

  #configure(revoked: string[]): void {
    const files = mosquittoFiles({ folder: this.folder, port: this.port, revoked });
    for (const [name, text] of Object.entries(files)) writeFileSync(this.file(name), text);
    mkdirSync(this.file("kept"), { recursive: true });
    // As on Debian: a configuration of its own that includes ours. Started by root it would become
    // another user, who cannot read this folder.
    const user = process.getuid?.() === 0 ? "user root\n" : "";
    const own = `${user}persistence_location ${this.file("kept")}/\nlog_type all\nlog_dest file ${this.file("log")}\n`;
    writeFileSync(this.file("mosquitto.conf"), `${own}${files[FILES.conf]}`);
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
