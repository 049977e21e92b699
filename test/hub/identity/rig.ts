import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { pino } from "pino";
import { type Clock, systemClock } from "../../../contract/clock.ts";
import { newCertificateRequest } from "../../../edge/identity/certificate-request.ts";
import { type EmbeddedBroker, startBroker } from "../../../hub/broker/broker.ts";
import type { Guests } from "../../../hub/foreign/guest.ts";
import { type HubIdentity, identityFolder, openIdentity } from "../../../hub/identity/identity.ts";
import { openPki } from "../../../hub/identity/pki.ts";
import { Register } from "../../../hub/identity/register.ts";
import { IdentityTroubles } from "../../../hub/identity/troubles.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";

export interface Papers {
  key: string;
  cert: string;
  ca: string;
}

const log = pino({ level: "silent" });

/** A broker with TLS and the identities of a real hub, but no ingest: it notes what it hears. */
export class TlsRig {
  readonly folder = mkdtempSync(path.join(tmpdir(), "plenum-tls-"));
  readonly heard: [node: string, lane: string, text: string][] = [];
  readonly gone: string[] = [];
  readonly db: HubDb = openHubDb(path.join(this.folder, "hub.db"));
  readonly ledger: Ledger;
  readonly #clients: MqttClient[] = [];
  readonly #stop = new AbortController();
  identity!: HubIdentity;
  broker!: EmbeddedBroker;
  #watching: Promise<void> = Promise.resolve();

  private constructor(readonly clock: Clock) {
    this.ledger = createLedger({ db: this.db, clock });
  }

  static async start({
    clock = systemClock,
    guests,
    connectTimeoutMs = 1_000,
  }: {
    clock?: Clock;
    guests?: Guests;
    connectTimeoutMs?: number;
  } = {}): Promise<TlsRig> {
    const rig = new TlsRig(clock);
    const place = { host: "127.0.0.1", port: 0, tls: { names: ["localhost", "127.0.0.1"] } };
    rig.identity = await openIdentity({
      ...{ storagePath: rig.folder, http: place, mqtt: place, db: rig.db, ledger: rig.ledger },
      ...{ clock, log },
    });
    rig.broker = await startBroker({
      ...rig.identity.brokerDeps((node, command) =>
        rig.broker.publish(`plenum/v1/${node}/cmd`, JSON.stringify(command), { qos: 1 }),
      ),
      ...{ host: "127.0.0.1", port: 0, log, clock, guests, connectTimeoutMs },
      onMessage: (node, lane, payload) =>
        rig.heard.push([node, lane, Buffer.from(payload).toString()]),
      onNodeGone: (node) => rig.gone.push(node),
      isKnown: () => true,
    });
    rig.#watching = rig.identity.watch(() => rig.broker.recheck(), rig.#stop.signal);
    return rig;
  }

  /** A node's papers as enrolment gives them; `at` issues them in another time. */
  async papers(node: string, at = this.clock.nowMs()): Promise<Papers> {
    const { authority, trust } = this.identity.pki!;
    const { key, request } = newCertificateRequest(node);
    const issued = await authority.signNode(node, request, at);
    new Register(this.db).add(issued, "enrolled");
    return { key, cert: issued.certificate, ca: trust() };
  }

  /** Papers of the same shape from an authority of somebody else. */
  async forgedPapers(node: string): Promise<Papers> {
    const folder = path.join(this.folder, "elsewhere");
    const register = new Register(openHubDb(":memory:"));
    const troubles = new IdentityTroubles(this.clock);
    const none = { http: undefined, mqtt: undefined };
    const pki = await openPki({ ...none, folder, register, troubles, clock: this.clock, log });
    const { key, request } = newCertificateRequest(node);
    const issued = await pki.authority.signNode(node, request, this.clock.nowMs());
    return { key, cert: issued.certificate, ca: this.identity.pki!.trust() };
  }

  get identityFolder(): string {
    return identityFolder(this.folder);
  }

  /** Connects, or rejects when the broker does not let it in. */
  async join(clientId: string, papers: Partial<Papers>, options: IClientOptions = {}) {
    const client = await mqtt.connectAsync(
      `mqtts://localhost:${this.broker.port}`,
      {
        ...{ clientId, protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 5_000 },
        ...{ ca: this.identity.pki!.trust(), ...papers, ...options },
      },
      false,
    );
    client.on("error", () => undefined);
    this.#clients.push(client);
    return client;
  }

  /** What stands in the ledger of one family, oldest first. */
  ledgerOf(type: string): Record<string, unknown>[] {
    const { items } = this.ledger.read({ type, limit: 100, order: "oldest" });
    return items.map((record) => ({ ...record.detail, type: record.type }));
  }

  /** The labels of the identities that are in trouble. */
  troubles(): string[] {
    return this.identity
      .gauges()
      .filter((gauge) => gauge.read() === 1)
      .map(({ label }) => label);
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.endAsync(true)));
    this.#stop.abort();
    await this.broker.close();
    await this.#watching;
    this.db.close();
    rmSync(this.folder, { recursive: true });
  }
}

export const closed = (client: MqttClient) =>
  new Promise<void>((resolve) => client.once("close", () => resolve()));
