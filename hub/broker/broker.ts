import { createServer, type Server, type Socket } from "node:net";
import {
  Aedes,
  type AuthenticateError,
  type Client,
  type ConnectPacket,
  type PublishPacket,
} from "aedes";
import type { Logger } from "pino";
import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import { type NodeLane, parseNodeTopic } from "../../contract/topic.ts";
import { Refusals } from "../ingest/refusals.ts";
import { guardFrames } from "./frame-guard.ts";
import { mayConnect, maySubscribe, whyNotPublish, whyNotWill } from "./node-rules.ts";

/** The largest MQTT packet before a client has said who it is, and after. */
const MAX_CONNECT_BYTES = 8_192;
const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 512;
/** Connections in all, and of those the ones that have not said who they are; the oldest of these go first. */
const MAX_CONNECTIONS = 1_200;
const MAX_PENDING = 200;
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a client that reads nothing may block what is sent to it. */
const DRAIN_TIMEOUT_MS = 10_000;
const MAX_KEEPALIVE_S = 300;
const IDENTIFIER_REJECTED = 2;

export interface BrokerDeps {
  host: string;
  /** 0 takes a free one. */
  port: number;
  log: Logger;
  /** What a node published on its own topics, its last will included, in order. */
  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void;
  /** The node's connection has ended and no newer one has taken its place. */
  onNodeGone(node: string): void;
  /** How long a connection may stay without saying who it is. */
  connectTimeoutMs?: number;
}

export interface Broker {
  readonly port: number;
  /** Connections, messages and subscriptions refused since the start. */
  readonly refused: number;
  /** QoS 0 unless said: what is lost with a connection, its node asks for again. */
  publish(topic: string, payload: string, options?: { retain?: boolean; qos?: 0 | 1 }): void;
  close(): Promise<void>;
}

/** The embedded MQTT broker: speaks with nodes only, each on its own topics. */
export async function startBroker(deps: BrokerDeps): Promise<Broker> {
  const broker = new EmbeddedBroker(deps);
  await broker.start();
  return broker;
}

class EmbeddedBroker implements Broker {
  readonly #deps: BrokerDeps;
  readonly #refusals: Refusals;
  readonly #server: Server;
  readonly #pending = new Set<Socket>();
  readonly #connected = new Map<string, Client>();
  /** Clients whose CONNECT breaks the rules, until aedes asks whether they may enter. */
  readonly #unwelcome = new WeakSet<Client>();
  #aedes: Aedes | undefined;
  #closing = false;

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
    this.#refusals = new Refusals(deps.log);
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  get refused(): number {
    return this.#refusals.total;
  }

  async start(): Promise<void> {
    const { host, port, log, connectTimeoutMs = CONNECT_TIMEOUT_MS } = this.#deps;
    const aedes = await Aedes.createBroker({
      connectTimeout: connectTimeoutMs,
      drainTimeout: DRAIN_TIMEOUT_MS,
      keepaliveLimit: MAX_KEEPALIVE_S,
      maxTopicLevels: 10,
      preConnect: (client, packet, done) => done(null, this.#inspect(client, packet)),
      authenticate: (client, _user, _password, done) => {
        if (this.#unwelcome.has(client)) done(rejection(), false);
        else done(null, true);
      },
      authorizePublish: (client, packet, done) => done(this.#take(client, packet)),
      authorizeSubscribe: (client, subscription, done) => {
        if (maySubscribe(client.id, subscription.topic)) {
          subscription.qos = subscription.qos === 0 ? 0 : 1;
          done(null, subscription);
        } else {
          this.#refuse(client.id, "subscription to a topic it may not read", {
            topic: subscription.topic,
          });
          done(null, null);
        }
      },
    });
    this.#aedes = aedes;
    aedes.on("client", (client) => this.#enter(client));
    aedes.on("clientDisconnect", (client) => this.#leave(client));
    aedes.on("clientError", (client, error) => {
      if (!(error instanceof Refused))
        log.info({ node: client.id, error: error.message }, "connection failed");
    });
    aedes.on("connectionError", (client, error) => {
      if (!(error instanceof Refused)) this.#refuse(addressOf(client), error.message);
    });
    // Not in the package's types: without a listener the process would end.
    (aedes as NodeJS.EventEmitter).on("error", (error: Error) =>
      log.error({ error: error.message }, "broker error"),
    );
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen(port, host, () => {
        this.#server.off("error", reject);
        resolve();
      });
    });
    log.info({ host, port: this.port }, "broker listening");
  }

  publish(
    topic: string,
    payload: string,
    { retain = false, qos = 0 }: { retain?: boolean; qos?: 0 | 1 } = {},
  ): void {
    const packet = { cmd: "publish", topic, payload, retain, qos, dup: false } as const;
    this.#aedes?.publish(packet, (error) => {
      if (error) this.#deps.log.error({ topic, error: error.message }, "publish failed");
    });
  }

  async close(): Promise<void> {
    this.#closing = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#pending) socket.destroy();
    await new Promise<void>((resolve) => this.#aedes?.close(resolve));
    await closed;
  }

  #accept(socket: Socket): void {
    const aedes = this.#aedes;
    if (!aedes || this.#closing) {
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    this.#pending.add(socket);
    socket.once("close", () => this.#pending.delete(socket));
    if (this.#pending.size > MAX_PENDING) this.#evict();
    const client = aedes.handle(socket);
    const limit = () => (client.connected ? MAX_FRAME_BYTES : MAX_CONNECT_BYTES);
    guardFrames(client, limit, (length) =>
      this.#refuse(client.id ?? addressOf(client), "packet too large", { length, limit: limit() }),
    );
  }

  #evict(): void {
    for (const oldest of this.#pending) {
      this.#refuse(oldest.remoteAddress ?? "?", "too many connections that say nothing");
      oldest.destroy();
      return;
    }
  }

  /** Notes whether a CONNECT is by the rules. True always: the refusal itself follows with a CONNACK. */
  #inspect(client: Client, packet: ConnectPacket): true {
    // A session kept for an absent client is a queue without a bound.
    packet.clean = true;
    const why = mayConnect(packet.clientId)
      ? packet.will && whyNotWill(packet.clientId, packet.will)
      : "client id is not a node id";
    if (why) {
      this.#refuse(addressOf(client), why, { clientId: packet.clientId.slice(0, 64) });
      this.#unwelcome.add(client);
    }
    return true;
  }

  /**
   * Hands on a message that is by the rules; otherwise returns why the connection ends. This is the one
   * place aedes passes in the order of arrival: its `published` hook lets QoS 0 overtake QoS 1.
   */
  #take(client: Client | null, packet: PublishPacket): Refused | null {
    const { topic, payload } = packet;
    const why = client ? whyNotPublish(client.id, packet) : "publish without a client";
    if (why) return this.#refuse(client?.id ?? "?", why, { topic: topic.slice(0, 128) });
    // Nobody may read a node's topics here; a kept copy would only be memory for a stranger to fill.
    packet.retain = false;
    const to = parseNodeTopic(topic);
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    if (to && !this.#closing) this.#deps.onMessage(to.node, to.lane, bytes);
    return null;
  }

  #enter(client: Client): void {
    this.#pending.delete(client.conn as Socket);
    this.#connected.set(client.id, client);
    this.#deps.log.info({ node: client.id, address: addressOf(client) }, "node connected");
  }

  #leave(client: Client): void {
    if (this.#connected.get(client.id) !== client) return;
    this.#connected.delete(client.id);
    // When a newer connection takes over, it enters right after this event.
    setImmediate(() => {
      if (this.#closing || this.#connected.has(client.id)) return;
      this.#deps.log.info({ node: client.id }, "node disconnected");
      this.#deps.onNodeGone(client.id);
    });
  }

  #refuse(who: string, why: string, detail?: Record<string, unknown>): Refused {
    if (!this.#closing) this.#refusals.note(who, why, detail);
    return new Refused(why);
  }
}

/** A refusal that is already counted. */
class Refused extends Error {}

function rejection(): AuthenticateError {
  return Object.assign(new Refused("client refused"), { returnCode: IDENTIFIER_REJECTED });
}

function addressOf(client: Client): string {
  return (client.conn as Socket).remoteAddress ?? "?";
}
