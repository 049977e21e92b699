import { connect, type MqttClient } from "mqtt";
import { credentialsOf, type ExternalTarget } from "./target.ts";

/**
 * Short, so that the broker has dropped a process that hangs before its lease (10 s) is over: what is
 * shared among workers is then no longer dealt to it.
 */
const KEEPALIVE_S = 5;
const CONNECT_TIMEOUT_MS = 10_000;
const REFUSED_QOS = 128;
/** How long a farewell may take. */
const FAREWELL_MS = 2_000;

export interface Will {
  topic: string;
  payload: string;
}

export interface DialOptions {
  target: ExternalTarget;
  clientId: string;
  /** Retained, QoS 1. */
  will: Will | undefined;
  /** Gives up dialling. An open connection is closed by `close`. */
  signal: AbortSignal;
  onMessage(topic: string, payload: Uint8Array, retained: boolean): void;
}

/** One connection to an MQTT broker, from CONNACK to its end. A new one is made for each attempt. */
export interface Connection {
  /** Best effort: what is lost with a connection, its node or the next connection asks for again. */
  publish(topic: string, payload: string, options: { qos: 0 | 1; retain: boolean }): void;
  /** Resolves once every topic is granted; rejects when the broker refuses one or the connection ends. */
  subscribe(topics: readonly string[], qos: 0 | 1): Promise<void>;
  unsubscribe(topics: readonly string[]): Promise<void>;
  /** Resolves with the reason when the connection has ended, whoever ended it. */
  readonly closed: Promise<string>;
  /** Sends what is still waiting, says goodbye (no will), and closes. */
  close(): Promise<void>;
}

/**
 * Dials by mqtt.js, which must own no data: no reconnect of its own (it has no back-off), no stored
 * session, no queue while off-line. Rejects with the reason when there is no connection.
 */
export function dial(options: DialOptions): Promise<Connection> {
  const { target, clientId, will, signal, onMessage } = options;
  return new Promise((resolve, reject) => {
    const client = connect(target.url, {
      ...credentialsOf(target),
      clientId,
      ...(will && { will: { ...will, payload: Buffer.from(will.payload), qos: 1, retain: true } }),
      clean: true,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      protocolVersion: 4,
    });
    let problem = "connection closed";
    client.on("error", (error) => {
      problem = error.message || ("code" in error ? String(error.code) : "connection failed");
      client.end(true);
    });
    const giveUp = () => {
      signal.removeEventListener("abort", giveUp);
      client.end(true);
      reject(new Error(problem));
    };
    signal.addEventListener("abort", giveUp, { once: true });
    client.once("close", giveUp);
    // Before CONNACK is seen, so that no retained message slips through.
    client.on("message", (topic, payload, packet) => onMessage(topic, payload, packet.retain));
    client.once("connect", () => {
      signal.removeEventListener("abort", giveUp);
      resolve(new MqttConnection(client, () => problem));
    });
  });
}

class MqttConnection implements Connection {
  readonly closed: Promise<string>;
  readonly #client: MqttClient;
  #ended = false;

  constructor(client: MqttClient, problem: () => string) {
    this.#client = client;
    this.closed = new Promise((resolve) => {
      const end = () => {
        this.#ended = true;
        resolve(problem());
      };
      client.once("close", end);
      client.once("end", end);
    });
  }

  publish(topic: string, payload: string, options: { qos: 0 | 1; retain: boolean }): void {
    // The callback keeps mqtt.js from throwing on a connection that is just ending.
    this.#client.publish(topic, payload, options, () => undefined);
  }

  async subscribe(topics: readonly string[], qos: 0 | 1): Promise<void> {
    if (topics.length === 0) return;
    const granted = await this.#orClosed(this.#client.subscribeAsync([...topics], { qos }));
    const refused = granted.filter((grant) => grant.qos === REFUSED_QOS).map(({ topic }) => topic);
    if (refused.length > 0)
      throw new Error(`the broker refuses subscriptions to ${refused.slice(0, 5).join(", ")}`);
  }

  async unsubscribe(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) await this.#orClosed(this.#client.unsubscribeAsync([...topics]));
  }

  async close(): Promise<void> {
    if (this.#ended) {
      this.#client.end(true);
      return;
    }
    // A second `end` would do nothing, so a broker that does not answer is cut off below mqtt.js.
    const timer = setTimeout(() => this.#client.stream.destroy(), FAREWELL_MS);
    this.#client.end(false);
    await this.closed;
    clearTimeout(timer);
  }

  /** mqtt.js forgets some callbacks when a connection dies. */
  #orClosed<T>(answer: Promise<T>): Promise<T> {
    return Promise.race([
      answer,
      this.closed.then((why): never => {
        throw new Error(why);
      }),
    ]);
  }
}
