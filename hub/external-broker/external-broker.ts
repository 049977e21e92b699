import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import {
  HUB_STATUS_TOPIC,
  type NodeLane,
  nodeTopic,
  parseNodeTopic,
  parseRenewTopic,
  TOPIC_ROOT,
} from "../../contract/topic.ts";
import type { Broker } from "../broker/broker.ts";
import { Refusals } from "../ingest/refusals.ts";
import { type Connection, dial, type Will } from "./connection.ts";
import { probeSharing } from "./share-probe.ts";
import type { ExternalTarget } from "./target.ts";

const FIRST_WAIT_MS = 1_000;
/** There are only a few hubs, so they may come back sooner than a hundred nodes. */
const LONGEST_WAIT_MS = 15_000;
/** A connection that held this long ends the series of failures. */
const STEADY_MS = 10_000;
/** Retained messages said again at each connection; beyond it the oldest is left to the broker's memory. */
const MAX_RETAINED = 20_000;
/** The largest request for a certificate. */
const MAX_REQUEST_BYTES = 4_096;

export interface ExternalBrokerDeps {
  target: ExternalTarget;
  /** Different for every connection there is; beginning with `hub-` (see mosquitto-config.ts). */
  clientId: string;
  /** Which lanes of all nodes it hears. `data` may instead be shared: see `shareDataOf`. */
  lanes: readonly NodeLane[];
  /** Made anew for each connection. */
  will?: () => Will;
  /**
   * The name under which workers share the data lane. It must not be guessable: a broker deals messages to
   * whoever asks for a share, and lets those it may not read go lost. Whether the broker really deals out
   * shared messages is tested at the first connection.
   */
  share?: string;
  clock: Clock;
  random?: () => number;
  log: Logger;
  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void;
  /** The connection to the broker has ended: whether the node is still there nobody knows. */
  onNodeGone(node: string): void;
  /** A node asks for its next certificate; the broker has checked its present one. */
  onRenew?(node: string, request: Uint8Array): void;
  /** Called at each connection, once everything is subscribed. */
  onConnected?: () => void;
}

export interface ExternalBroker extends Broker {
  readonly connected: boolean;
  /** Rejects when the broker cannot do what is needed; never resolves while all is well. */
  readonly unfit: Promise<never>;
  /** Hears the data lane of these nodes only, each message dealt to one of all hubs that ask for it. */
  shareDataOf(nodes: ReadonlySet<string>): Promise<void>;
}

/** Speaks with nodes through a broker that is a program of its own. Waits for ever for one that is away. */
export function startExternalBroker(deps: ExternalBrokerDeps): ExternalBroker {
  return new MqttBroker(deps);
}

class MqttBroker implements ExternalBroker {
  readonly port: number;
  readonly unfit: Promise<never>;
  readonly #deps: ExternalBrokerDeps;
  readonly #refusals: Refusals;
  readonly #lanes: ReadonlySet<NodeLane>;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;
  readonly #retained = new Map<string, string>();
  /** Nodes heard over this connection. */
  readonly #heard = new Set<string>();
  #shared: ReadonlySet<string> = new Set();
  #connection: Connection | undefined;
  /** Set while the sharing of messages is being tested. */
  #onProbe: ((topic: string) => void) | undefined;
  #proven: boolean;
  #away = false;

  constructor(deps: ExternalBrokerDeps) {
    this.#deps = deps;
    this.port = Number(new URL(deps.target.url).port) || 8883;
    this.#lanes = new Set(deps.share ? [...deps.lanes, "data"] : deps.lanes);
    this.#refusals = new Refusals(deps.log);
    this.#proven = !deps.share;
    this.#running = this.#run(this.#stop.signal);
    this.unfit = new Promise((_, reject) => this.#running.catch(reject));
    // Whoever does not look at `unfit` has asked for nothing a broker could be unfit for.
    this.unfit.catch(() => undefined);
  }

  get refused(): number {
    return this.#refusals.total;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  publish(
    topic: string,
    payload: string,
    { retain = false, qos = 0 }: { retain?: boolean; qos?: 0 | 1 } = {},
  ): void {
    if (retain) this.#remember(topic, payload);
    this.#connection?.publish(topic, payload, { qos, retain });
  }

  async shareDataOf(nodes: ReadonlySet<string>): Promise<void> {
    const before = this.#shared;
    this.#shared = new Set(nodes);
    const connection = this.#connection;
    if (!connection) return;
    const added = [...nodes].filter((node) => !before.has(node));
    const dropped = [...before].filter((node) => !nodes.has(node));
    try {
      await connection.unsubscribe(dropped.map(this.#sharedTopic));
      await connection.subscribe(added.map(this.#sharedTopic), 1);
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, "shares not changed, connecting anew");
      await connection.close();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running.catch(() => undefined);
  }

  async #run(signal: AbortSignal): Promise<void> {
    const { clock, random = Math.random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const beganMs = clock.monoMs();
      const why = await this.#converse(signal);
      if (signal.aborted) return;
      failures = clock.monoMs() - beganMs >= STEADY_MS ? 1 : failures + 1;
      this.#lost(why);
      const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(failures - 1, 16));
      await clock.sleep(random() * longest, signal);
    }
  }

  /** One connection from beginning to end; returns why it ended. Throws only for an unfit broker. */
  async #converse(signal: AbortSignal): Promise<string> {
    const { target, clientId, will, clock } = this.#deps;
    let connection: Connection;
    try {
      const onMessage = this.#take.bind(this);
      connection = await dial({ target, clientId, will: will?.(), signal, onMessage });
    } catch (error) {
      return messageOf(error);
    }
    const leave = () => void connection.close();
    signal.addEventListener("abort", leave, { once: true });
    if (signal.aborted) leave();
    try {
      if (!this.#proven) {
        const onProbe = (hear: ((topic: string) => void) | undefined) => {
          this.#onProbe = hear;
        };
        const unfit = await probeSharing({ connection, clock, signal, onProbe });
        if (unfit) throw new UnfitBroker(unfit);
        this.#proven = true;
      }
      await this.#begin(connection);
      return await connection.closed;
    } catch (error) {
      if (error instanceof UnfitBroker) throw error;
      return messageOf(error);
    } finally {
      signal.removeEventListener("abort", leave);
      this.#connection = undefined;
      await connection.close();
    }
  }

  async #begin(connection: Connection): Promise<void> {
    const { lanes, log, will, onConnected, onRenew, target } = this.#deps;
    // Births first: a status before its birth would have to wait.
    for (const lane of lanes)
      await connection.subscribe([`${TOPIC_ROOT}/+/${lane}`], lane === "live" ? 0 : 1);
    await connection.subscribe([...this.#shared].map(this.#sharedTopic), 1);
    if (onRenew) await connection.subscribe([`${TOPIC_ROOT}/+/renew`], 1);
    if (will) await connection.subscribe([HUB_STATUS_TOPIC], 1);
    this.#connection = connection;
    for (const [topic, payload] of this.#retained)
      connection.publish(topic, payload, { qos: 1, retain: true });
    this.#away = false;
    log.info({ url: target.url }, "connected to the broker");
    onConnected?.();
  }

  readonly #sharedTopic = (node: string): string =>
    `$share/${this.#deps.share}/${nodeTopic(node, "data")}`;

  #lost(why: string): void {
    const { log, target, onNodeGone } = this.#deps;
    if (!this.#away) log.error({ url: target.url, error: why }, "broker away");
    this.#away = true;
    const nodes = [...this.#heard];
    this.#heard.clear();
    for (const node of nodes) onNodeGone(node);
  }

  #take(topic: string, payload: Uint8Array, retained: boolean): void {
    if (this.#stop.signal.aborted) return;
    const to = parseNodeTopic(topic);
    if (!to) {
      this.#takeOther(topic, payload, retained);
      return;
    }
    const { node, lane } = to;
    // The goodbye of a node that was forgotten.
    if (payload.length === 0 || !this.#lanes.has(lane)) return;
    if (payload.length > MAX_PAYLOAD_BYTES) this.#refusals.note(node, "payload too large");
    else if (retained && (lane === "live" || lane === "data"))
      this.#refusals.note(node, "retained readings");
    else {
      this.#heard.add(node);
      this.#deps.onMessage(node, lane, payload);
    }
  }

  #takeOther(topic: string, payload: Uint8Array, retained: boolean): void {
    const asks = parseRenewTopic(topic);
    if (topic === HUB_STATUS_TOPIC) this.#correctStatus(payload);
    else if (asks === undefined) this.#onProbe?.(topic);
    else if (!retained && payload.length <= MAX_REQUEST_BYTES) this.#deps.onRenew?.(asks, payload);
  }

  /** The will of a hub that hung comes late, after this one has taken its place. */
  #correctStatus(payload: Uint8Array): void {
    const own = this.#retained.get(HUB_STATUS_TOPIC);
    if (own === undefined || !own.includes('"state":"online"')) return;
    if (!Buffer.from(payload).includes('"state":"offline"')) return;
    this.#connection?.publish(HUB_STATUS_TOPIC, own, { qos: 1, retain: true });
  }

  #remember(topic: string, payload: string): void {
    this.#retained.delete(topic);
    if (payload === "") return;
    this.#retained.set(topic, payload);
    if (this.#retained.size <= MAX_RETAINED) return;
    for (const oldest of this.#retained.keys()) {
      this.#retained.delete(oldest);
      break;
    }
  }
}

/** The broker lacks something without which nothing would arrive. */
export class UnfitBroker extends Error {
  override name = "UnfitBroker";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
