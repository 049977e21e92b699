import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { NodeLane } from "../../contract/topic.ts";
import type { Guests } from "../foreign/guest.ts";
import { AedesBroker } from "./aedes-broker.ts";
import type { BrokerTls } from "./listener.ts";

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
  /** How long a client that reads nothing may block what is sent to it. */
  drainTimeoutMs?: number;
  /** Programs that are no nodes; without it nobody enters with a user name and password. */
  guests?: Guests | undefined;
  /** Every node then needs a certificate of its own, whose name is its client id. Without it: loopback only. */
  tls?: BrokerTls | undefined;
  clock?: Clock;
  /** Whose birth and status are kept for those who subscribe later; nobody's when left out. */
  isKnown?(node: string): boolean;
  /** A node that has proven its name asks for its next certificate. */
  onRenew?(node: string, request: Uint8Array): void;
  /** Two machines use one node's identity; both are held off. */
  onConflict?(node: string, addresses: string[]): void;
  /** A node that has proven its name broke the rules; it is held off for a while. */
  onBreach?(node: string, why: string): void;
}

export interface Broker {
  readonly port: number;
  /** Connections, messages and subscriptions refused since the start. */
  readonly refused: number;
  /** QoS 0 unless said: what is lost with a connection, its node asks for again. */
  publish(topic: string, payload: string, options?: { retain?: boolean; qos?: 0 | 1 }): void;
  close(): Promise<void>;
}

export interface EmbeddedBroker extends Broker {
  /** Ends the connections whose certificate has been revoked or has expired. */
  recheck(): void;
  /** Ends a node's connection and keeps it out for 5 minutes, because two machines claim to be it. */
  holdOff(node: string): void;
}

/** The embedded MQTT broker: speaks with nodes only, each on its own topics. */
export async function startBroker(deps: BrokerDeps): Promise<EmbeddedBroker> {
  const broker = new AedesBroker(deps);
  await broker.start();
  return broker;
}
