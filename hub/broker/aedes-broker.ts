import type { Socket } from "node:net";
import {
  Aedes,
  type AuthenticateError,
  type Client,
  type ConnectPacket,
  type PublishPacket,
} from "aedes";
import { type Clock, systemClock } from "../../contract/clock.ts";
import { MAX_PAYLOAD_BYTES } from "../../contract/message.ts";
import { parseNodeTopic, parseRenewTopic } from "../../contract/topic.ts";
import { GuestGate, MAX_GUEST_FRAME_BYTES } from "../foreign/guest-gate.ts";
import { Refusals } from "../ingest/refusals.ts";
import type { BrokerDeps, EmbeddedBroker } from "./broker.ts";
import { ByteBudget } from "./byte-budget.ts";
import { addressOf, Doorman } from "./doorman.ts";
import { guardFrames } from "./frame-guard.ts";
import { Listener } from "./listener.ts";
import { maySubscribe, whyNotPublish } from "./node-rules.ts";
import { Retained } from "./retained.ts";

/** The largest MQTT packet before a client has said who it is, and after. */
const MAX_CONNECT_BYTES = 8_192;
const MAX_FRAME_BYTES = MAX_PAYLOAD_BYTES + 512;
/** Connections that have not said who they are; the oldest of them go first. */
const MAX_PENDING = 200;
const CONNECT_TIMEOUT_MS = 5_000;
/** How long a client that reads nothing may block what is sent to it. */
const DRAIN_TIMEOUT_MS = 10_000;
const MAX_KEEPALIVE_S = 300;

/** A node that is connected. */
interface Inside {
  client: Client;
  heardAtMs: number;
  budget: ByteBudget;
}

/** The broker behind `startBroker`; the only file that knows the package. */
export class AedesBroker implements EmbeddedBroker {
  readonly #deps: BrokerDeps;
  readonly #refusals: Refusals;
  readonly #gate: GuestGate;
  readonly #clock: Clock;
  readonly #listener: Listener;
  readonly #doorman: Doorman;
  readonly #retained: Retained;
  readonly #pending = new Set<Socket>();
  readonly #inside = new Map<string, Inside>();
  /** Clients whose CONNECT breaks the rules, until aedes asks whether they may enter. */
  readonly #unwelcome = new WeakMap<Client, number>();
  #aedes: Aedes | undefined;
  #closing = false;

  constructor(deps: BrokerDeps) {
    this.#deps = deps;
    this.#refusals = new Refusals(deps.log);
    this.#gate = new GuestGate(deps.guests);
    this.#retained = new Retained((node) => deps.isKnown?.(node) ?? false);
    const { tls, host, port, guests, clock = systemClock } = deps;
    this.#clock = clock;
    this.#doorman = new Doorman({
      ...{ tls, gate: this.#gate, clock },
      current: (node) => this.#inside.get(node),
      onConflict: (node, addresses) => deps.onConflict?.(node, addresses),
      onBreach: (node, why) => deps.onBreach?.(node, why),
    });
    this.#listener = new Listener({
      ...{ host, port, tls, clock, anonymous: guests !== undefined },
      onSocket: (socket, peer) => this.#accept(socket, peer),
      onRefused: (who, why) => this.#refuse(who, why),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  get refused(): number {
    return this.#refusals.total;
  }

  async start(): Promise<void> {
    const { host, tls, log } = this.#deps;
    const { connectTimeoutMs = CONNECT_TIMEOUT_MS, drainTimeoutMs = DRAIN_TIMEOUT_MS } = this.#deps;
    const aedes = await Aedes.createBroker({
      connectTimeout: connectTimeoutMs,
      drainTimeout: drainTimeoutMs,
      keepaliveLimit: MAX_KEEPALIVE_S,
      maxTopicLevels: 10,
      preConnect: (client, packet, done) => done(null, this.#inspect(client, packet)),
      authenticate: (client, _user, _password, done) => {
        const code = this.#unwelcome.get(client);
        if (code !== undefined) done(rejection(code), false);
        else done(null, true);
      },
      authorizePublish: (client, packet, done) => {
        const waitMs = this.#meter(client, packet);
        const refused = this.#take(client, packet);
        // Until it is answered, nothing more is read from this connection.
        if (waitMs > 0) void this.#clock.sleep(waitMs).then(() => done(refused));
        else done(refused);
      },
      authorizeSubscribe: (client, subscription, done) => {
        const guest = this.#gate.of(client);
        const granted = guest && this.#gate.subscription(guest, subscription);
        if (granted) {
          done(null, granted);
        } else if (!guest && maySubscribe(client.id, subscription.topic)) {
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
    await this.#listener.open();
    log.info({ host, port: this.port, tls: tls !== undefined }, "broker listening");
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
    const closed = this.#listener.close();
    for (const socket of this.#pending) socket.destroy();
    await new Promise<void>((resolve) => this.#aedes?.close(resolve));
    await closed;
  }

  recheck(): void {
    for (const { client } of [...this.#inside.values()]) {
      const why = this.#doorman.whyLeave(client);
      if (why === undefined) continue;
      this.#refuse(client.id, why);
      (client.conn as Socket).destroy();
    }
  }

  holdOff(node: string): void {
    this.#doorman.holdOff(node);
    this.#inside.get(node)?.client.close();
  }

  #accept(socket: Socket, peer: { node: string; serial: string } | undefined): void {
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
    if (peer) this.#doorman.proven(client, peer);
    const limit = () => {
      if (!client.connected) return MAX_CONNECT_BYTES;
      return this.#gate.of(client) ? MAX_GUEST_FRAME_BYTES : MAX_FRAME_BYTES;
    };
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
    const clientId = packet.clientId.slice(0, 64);
    const refusal = this.#doorman.refusal(client, packet);
    if (refusal) {
      this.#refuse(addressOf(client), refusal.why, { clientId });
      this.#unwelcome.set(client, refusal.code);
    }
    return true;
  }

  /** Notes what was heard; returns how long its sender must wait before it is heard again. */
  #meter(client: Client | null, { payload }: PublishPacket): number {
    const inside = client ? this.#inside.get(client.id) : undefined;
    if (!inside) return 0;
    inside.heardAtMs = this.#clock.monoMs();
    return inside.budget.take(payload.length, inside.heardAtMs);
  }

  /**
   * Hands on a message that is by the rules; otherwise returns why the connection ends. This is the one
   * place aedes passes in the order of arrival: its `published` hook lets QoS 0 overtake QoS 1.
   */
  #take(client: Client | null, packet: PublishPacket): Refused | null {
    const { topic, payload } = packet;
    const guest = client && this.#gate.of(client);
    if (guest) {
      const wrong = this.#closing ? undefined : this.#gate.take(guest, packet);
      return wrong ? this.#refuse(client.id, wrong) : null;
    }
    const bytes = typeof payload === "string" ? Buffer.from(payload) : payload;
    if (client && this.#isRenewal(client, packet)) {
      packet.retain = false;
      this.#deps.onRenew?.(client.id, bytes);
      return null;
    }
    const why = client ? whyNotPublish(client.id, packet) : "publish without a client";
    if (why) {
      if (client) this.#doorman.punish(client, `${why}: ${topic.slice(0, 128)}`);
      return this.#refuse(client?.id ?? "?", why, { topic: topic.slice(0, 128) });
    }
    const to = parseNodeTopic(topic);
    if (!to || this.#closing) return null;
    this.#deps.onMessage(to.node, to.lane, bytes);
    // Asked after the hub has taken it, so that a node's first birth is kept, too.
    packet.retain = packet.retain && this.#retained.keeps(to.node, to.lane, bytes.length);
    return null;
  }

  #isRenewal(client: Client, { topic, qos }: PublishPacket): boolean {
    return qos <= 1 && parseRenewTopic(topic) === client.id && this.#doorman.isProven(client);
  }

  #enter(client: Client): void {
    this.#pending.delete(client.conn as Socket);
    const heardAtMs = this.#clock.monoMs();
    this.#inside.set(client.id, { client, heardAtMs, budget: new ByteBudget(heardAtMs) });
    this.#deps.log.info({ node: client.id, address: addressOf(client) }, "node connected");
  }

  #leave(client: Client): void {
    if (this.#inside.get(client.id)?.client !== client) return;
    this.#inside.delete(client.id);
    // When a newer connection takes over, it enters right after this event.
    setImmediate(() => {
      if (this.#closing || this.#inside.has(client.id) || this.#gate.of(client)) return;
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

function rejection(returnCode: number): AuthenticateError {
  return Object.assign(new Refused("client refused"), { returnCode });
}
