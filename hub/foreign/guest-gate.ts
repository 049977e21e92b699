import type { Socket } from "node:net";
import type { Client, ConnectPacket, PublishPacket, Subscription } from "aedes";
import { type Guest, type Guests, MAX_GUEST_CONNECTIONS } from "./guest.ts";

/** Nobody may subscribe here: what a guest publishes reaches the hub alone. */
const NOWHERE = "plenum/guests";
/** Zigbee2MQTT publishes a list of all its devices in one message. */
export const MAX_GUEST_FRAME_BYTES = 2 * 1024 * 1024;
const LOOPBACK = /^(127\.|::1$|::ffff:127\.)/;

/** Lets guests into the broker and keeps them apart from the nodes. */
export class GuestGate {
  readonly #guests: Guests | undefined;
  readonly #inside = new WeakMap<Client, Guest>();
  readonly #connections = new Map<string, number>();

  constructor(guests: Guests | undefined) {
    this.#guests = guests;
  }

  /** A CONNECT with a user name is a guest's, once there are any. */
  isFor({ username }: ConnectPacket): boolean {
    return this.#guests !== undefined && username !== undefined;
  }

  of(client: Client): Guest | undefined {
    return this.#inside.get(client);
  }

  isReserved(nodeId: string): boolean {
    return this.#guests?.isReserved(nodeId) ?? false;
  }

  /** Signs in; returns why not. `Client.id` gets a name that no node and no other account can have. */
  signIn(client: Client, packet: ConnectPacket): string | undefined {
    const socket = client.conn as Socket & { encrypted?: boolean };
    if (!socket.encrypted && !LOOPBACK.test(socket.remoteAddress ?? ""))
      return "password sent without TLS";
    const password = packet.password as Uint8Array | undefined;
    const guest = this.#guests?.admit(packet.username ?? "", password);
    if (!guest) return "wrong user name or password";
    if ((this.#connections.get(guest.account) ?? 0) >= MAX_GUEST_CONNECTIONS)
      return `more than ${MAX_GUEST_CONNECTIONS} connections of one account`;
    packet.clientId = `${guest.account}/${packet.clientId}`;
    // A device's last will may be about anything; one that nothing is made of is not kept.
    if (packet.will && !guest.mayWill(packet.will.topic)) delete packet.will;
    this.#inside.set(client, guest);
    this.#count(guest, 1);
    socket.once("close", () => this.#count(guest, -1));
    return undefined;
  }

  /** Returns why the connection must end. */
  take(guest: Guest, packet: PublishPacket): string | undefined {
    if (packet.qos > 1) return "publish with QoS 2";
    const { topic, payload } = packet;
    packet.retain = false;
    packet.topic = NOWHERE;
    guest.take(topic, typeof payload === "string" ? Buffer.from(payload) : payload);
    return undefined;
  }

  /** The subscription as granted; null refuses it. */
  subscription(guest: Guest, wanted: Subscription): Subscription | null {
    if (!guest.maySubscribe(wanted.topic)) return null;
    wanted.qos = wanted.qos === 0 ? 0 : 1;
    setImmediate(() => guest.subscribed(wanted.topic));
    return wanted;
  }

  #count({ account }: Guest, change: 1 | -1): void {
    this.#connections.set(account, (this.#connections.get(account) ?? 0) + change);
  }
}
