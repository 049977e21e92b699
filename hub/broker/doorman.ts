import type { Socket } from "node:net";
import type { Client, ConnectPacket } from "aedes";
import type { Clock } from "../../contract/clock.ts";
import type { GuestGate } from "../foreign/guest-gate.ts";
import { Bans } from "./bans.ts";
import type { BrokerTls } from "./listener.ts";
import { mayConnect, whyNotWill } from "./node-rules.ts";
import { TwinWatch } from "./twin-watch.ts";

/** CONNACK return codes of MQTT 3.1.1. */
const IDENTIFIER_REJECTED = 2;
const SERVER_UNAVAILABLE = 3;
const BAD_PASSWORD = 4;
const NOT_AUTHORISED = 5;

export interface Refusal {
  why: string;
  code: number;
}

export interface DoormanDeps {
  tls: BrokerTls | undefined;
  gate: GuestGate;
  clock: Clock;
  /** The client connected as this node now, and when it was last heard. */
  current(node: string): { client: Client; heardAtMs: number } | undefined;
  onConflict(node: string, addresses: string[]): void;
  onBreach(node: string, why: string): void;
}

/** Decides at CONNECT who may enter, and remembers by which certificate. */
export class Doorman {
  readonly #deps: DoormanDeps;
  readonly #peers = new WeakMap<Client, { node: string; serial: string }>();
  readonly #twins = new TwinWatch();
  readonly #bans = new Bans();

  constructor(deps: DoormanDeps) {
    this.#deps = deps;
  }

  /** `client` came by a connection whose certificate says so. */
  proven(client: Client, peer: { node: string; serial: string }): void {
    this.#peers.set(client, peer);
  }

  isProven(client: Client): boolean {
    return this.#peers.has(client);
  }

  /** Why a client that is inside must leave; undefined while it may stay. */
  whyLeave(client: Client): string | undefined {
    const peer = this.#peers.get(client);
    return peer && this.#deps.tls?.whyNot(peer.serial, peer.node);
  }

  /** Why this CONNECT is refused; undefined when the client may enter. */
  refusal(client: Client, packet: ConnectPacket): Refusal | undefined {
    const { gate } = this.#deps;
    if (gate.isFor(packet)) {
      const why = gate.signIn(client, packet);
      return why === undefined ? undefined : { why, code: BAD_PASSWORD };
    }
    return this.#whyNotNode(client, packet) ?? this.#whyNotNow(client, packet.clientId);
  }

  /** A node that has broken the rules stays outside for a while, when its name is proven. */
  punish(client: Client, why: string): void {
    const peer = this.#peers.get(client);
    if (!peer) return;
    this.#bans.add(peer.node, this.#deps.clock.monoMs());
    this.#deps.onBreach(peer.node, why);
  }

  /** Keeps both of two that claim to be `node` out for a while. */
  holdOff(node: string): void {
    this.#twins.hold(node, this.#deps.clock.monoMs());
  }

  #whyNotNode(client: Client, { clientId, will }: ConnectPacket): Refusal | undefined {
    const { tls, gate, onBreach } = this.#deps;
    const refuse = (why: string, code = IDENTIFIER_REJECTED) => ({ why, code });
    if (!mayConnect(clientId)) return refuse("client id is not a node id");
    if (gate.isReserved(clientId)) return refuse("client id is that of an account");
    const peer = this.#peers.get(client);
    if (tls && !peer) return refuse("no client certificate", NOT_AUTHORISED);
    if (peer && peer.node !== clientId) {
      onBreach(peer.node, `connected as ${clientId}`);
      return refuse(`client id is not that of the certificate, ${peer.node}`);
    }
    const gone = this.whyLeave(client);
    if (gone) return refuse(gone, NOT_AUTHORISED);
    const badWill = will && whyNotWill(clientId, will);
    return badWill ? refuse(badWill) : undefined;
  }

  #whyNotNow(client: Client, node: string): Refusal | undefined {
    const { clock, current, onConflict } = this.#deps;
    const nowMs = clock.monoMs();
    const refuse = (why: string) => ({ why, code: SERVER_UNAVAILABLE });
    if (this.#bans.holds(node, nowMs)) return refuse("broke the rules a moment ago");
    if (this.#twins.isHeld(node, nowMs)) return refuse("two machines use this node's identity");
    const before = current(node);
    if (!before || !this.#twins.takeover(node, nowMs - before.heardAtMs, nowMs)) return undefined;
    onConflict(node, [before.client, client].map(addressOf));
    before.client.close();
    return refuse("two machines use this node's identity");
  }
}

export function addressOf(client: Client): string {
  return (client.conn as Socket).remoteAddress ?? "?";
}
