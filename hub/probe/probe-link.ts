import { randomUUID } from "node:crypto";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import type { Clock } from "../../contract/clock.ts";
import { ackSchema, type Birth } from "../../contract/message.ts";
import { type NodeLane, nodeTopic } from "../../contract/topic.ts";
import { PROBE_NODE } from "../own-nodes.ts";
import { VERSION } from "../version.ts";
import { PROBE_POINT, type ProbeLink } from "./probe.ts";

const CONNECT_MS = 4_000;
/** The probe tells by itself when its reading is missing; a rule on every point need not tell again. */
const DAY_MS = 86_400_000;

/** How the probe reaches the broker: like any edge node, by the network and with an identity of its own. */
export interface ProbeTarget {
  url: string;
  /** Certificate, key, password: whatever the broker asks of a node. */
  options?: IClientOptions;
}

/** Connects to the broker as the node `hub-probe` and announces its one point. */
export async function connectProbe(
  { url, options }: ProbeTarget,
  clock: Clock,
  signal: AbortSignal,
): Promise<ProbeLink> {
  const client = mqtt.connect(url, {
    ...options,
    clientId: PROBE_NODE,
    clean: true,
    reconnectPeriod: 0,
    connectTimeout: CONNECT_MS,
  });
  const giveUp = () => client.end(true);
  signal.addEventListener("abort", giveUp);
  try {
    await connected(client);
    const link = new MqttProbeLink(client, clock);
    await link.begin();
    return link;
  } catch (error) {
    client.end(true);
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    // A lost connection shows in the next send; without a listener an error would end the process.
    client.on("error", reject);
    client.once("connect", () => resolve());
    client.once("close", () => reject(new Error("the connection was closed")));
  });
}

class MqttProbeLink implements ProbeLink {
  readonly #client: MqttClient;
  readonly #clock: Clock;
  /** Names this connection's rows; there is no spool behind it. */
  readonly #epoch = randomUUID();
  #seq = 0;
  /** Values by sequence that are not acknowledged yet; one at a time. */
  #pending: { seq: number; value: number } | undefined;
  #stored: number | undefined;

  constructor(client: MqttClient, clock: Clock) {
    this.#client = client;
    this.#clock = clock;
  }

  async begin(): Promise<void> {
    this.#client.on("message", (_topic, payload) => this.#acknowledged(payload));
    await this.#client.subscribeAsync(nodeTopic(PROBE_NODE, "ack"), { qos: 1 });
    const at = this.#clock.nowMs();
    const birth: Birth = {
      ...{ v: 1, node: PROBE_NODE, label: "Hub self-check", software: `plenum-hub ${VERSION}` },
      ...{ bootId: BOOT_ID, epoch: this.#epoch, at, doors: [] },
      points: [{ id: PROBE_POINT, quantity: "count", label: "Self-check", periodMs: DAY_MS }],
    };
    await this.#publish("birth", birth);
    const session = Math.floor(at / 1_000);
    await this.#publish("status", { v: 1, state: "online", session, at, backlog: 0 });
  }

  async send({ at, value }: { at: number; value: number }): Promise<void> {
    this.#seq += 1;
    this.#pending = { seq: this.#seq, value };
    const rows = [[PROBE_POINT, at, value]];
    const spool = { epoch: this.#epoch, floor: this.#seq, first: this.#seq };
    await this.#publish("live", { at, rows });
    await this.#publish("data", { ...spool, rows });
  }

  stored = (): number | undefined => this.#stored;

  async close(): Promise<void> {
    await this.#client.endAsync(true);
  }

  #acknowledged(payload: Buffer): void {
    const ack = ackSchema.safeParse(JSON.parse(payload.toString())).data;
    if (!ack || !this.#pending || ack.epoch !== this.#epoch) return;
    if (ack.upto >= this.#pending.seq) this.#stored = this.#pending.value;
  }

  async #publish(lane: NodeLane, message: unknown): Promise<void> {
    await this.#client.publishAsync(nodeTopic(PROBE_NODE, lane), JSON.stringify(message), {
      qos: 1,
    });
  }
}

/** One per start of the hub, as a machine has one per boot. */
const BOOT_ID = randomUUID();
