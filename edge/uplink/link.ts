import { connect, type MqttClient } from "mqtt";
import { forgoPacketCache } from "./packet-cache.ts";
import { padded } from "./padding.ts";

/** One MQTT connection, from CONNACK to its end. A new one is made for each attempt. */
export interface Link {
  /** QoS 0: resolves when written. QoS 1: when the broker received it, which says nothing about storing. Rejects when the connection ends first. */
  publish(topic: string, payload: string, options?: PublishOptions): Promise<void>;
  /** Resolves once every topic is granted; rejects when the broker refuses one. */
  subscribe(topics: string[]): Promise<void>;
  onMessage(listener: (topic: string, payload: Uint8Array, retained: boolean) => void): void;
  /** Publishes the broker has not confirmed yet. */
  readonly inFlight: number;
  /** Resolves with the reason when the connection has ended, whoever ended it. */
  readonly closed: Promise<string>;
  close(): void;
}

export interface PublishOptions {
  qos?: 0 | 1;
  retain?: boolean;
}

export interface LinkOptions {
  url: string;
  clientId: string;
  will: { topic: string; payload: string };
  /** For mqtts: who this node is, and by what it recognises the hub. */
  credentials?: { key: string; cert: string; ca: string };
  /** Gives up dialling. An open link is closed by `close`. */
  signal: AbortSignal;
}

export type Dial = (options: LinkOptions) => Promise<Link>;

const CONNECT_TIMEOUT_MS = 10_000;
const KEEPALIVE_S = 10;

/**
 * Dials by mqtt.js, which must own no data: no reconnect of its own (it has no back-off), no stored
 * session (one message the broker refuses would be sent again for ever), no queue while off-line.
 */
export const dialMqtt: Dial = ({ url, clientId, will, credentials, signal }) =>
  new Promise((resolve, reject) => {
    forgoPacketCache();
    const client = connect(url, {
      ...credentials,
      ...(credentials && { rejectUnauthorized: true, minVersion: "TLSv1.2" }),
      clientId,
      will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1, retain: true },
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      protocolVersion: 4,
    });
    // The hub shuts a door without a word when it does not take the certificate.
    let problem = credentials
      ? "the hub closed the connection; it may not know this node's certificate (plenum-hub nodes)"
      : "connection closed";
    client.on("error", (error) => {
      const { code } = error as NodeJS.ErrnoException;
      if (!credentials || code !== "ECONNRESET")
        problem = error.message || code || "connection failed";
      client.end(true);
    });
    const giveUp = () => {
      signal.removeEventListener("abort", giveUp);
      client.end(true);
      reject(new Error(problem));
    };
    signal.addEventListener("abort", giveUp, { once: true });
    client.once("close", giveUp);
    client.once("connect", () => {
      signal.removeEventListener("abort", giveUp);
      problem = "connection closed";
      resolve(new MqttLink(client, () => problem));
    });
  });

class MqttLink implements Link {
  readonly closed: Promise<string>;
  readonly #client: MqttClient;
  /** Ends the wait of each publish not confirmed yet: mqtt.js forgets some when a connection dies. */
  readonly #unconfirmed = new Set<(error: Error) => void>();

  constructor(client: MqttClient, problem: () => string) {
    this.#client = client;
    this.closed = new Promise((resolve) => {
      const end = () => {
        for (const abandon of this.#unconfirmed) abandon(new Error(problem()));
        this.#unconfirmed.clear();
        resolve(problem());
      };
      client.once("close", end);
      client.once("end", end);
    });
  }

  get inFlight(): number {
    return this.#unconfirmed.size;
  }

  publish(
    topic: string,
    payload: string,
    { qos = 0, retain = false }: PublishOptions = {},
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#unconfirmed.add(reject);
      this.#client.publish(topic, padded(topic, payload, qos), { qos, retain }, (error) => {
        this.#unconfirmed.delete(reject);
        if (error) reject(error);
        else resolve();
      });
    });
  }

  async subscribe(topics: string[]): Promise<void> {
    const granted = await this.#client.subscribeAsync(topics, { qos: 1 });
    const refused = granted.filter(({ qos }) => qos === 128).map(({ topic }) => topic);
    if (refused.length > 0) throw new Error(`hub refused to send ${refused.join(", ")}`);
  }

  onMessage(listener: (topic: string, payload: Uint8Array, retained: boolean) => void): void {
    this.#client.on("message", (topic, payload, packet) => listener(topic, payload, packet.retain));
  }

  close(): void {
    this.#client.end(true);
  }
}
