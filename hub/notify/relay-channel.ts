import { createHash } from "node:crypto";
import type { Clock } from "../../contract/clock.ts";
import type { RelayReceiver } from "../config/receiver-config.ts";
import type { Channel } from "./channel.ts";
import { factsOf } from "./facts.ts";
import { type NodeSignals, NoSuchOutput } from "./node-signals.ts";

const TIMEOUT_MS = 10_000;

export interface RelayDeps {
  clock: Clock;
  signals: Pick<NodeSignals, "order">;
  timeoutMs?: number;
}

/**
 * A beacon or siren on an edge node: on while any alarm it was told of stands. `delivered` when the node
 * has confirmed. What is about no single alarm switches nothing.
 */
export function relayChannel(
  { node, output }: RelayReceiver,
  { clock, signals, timeoutMs = TIMEOUT_MS }: RelayDeps,
): Channel {
  return {
    kind: "relay",
    async send(message) {
      const { alarm, thread, isOver, isAcknowledged } = factsOf(message);
      if (alarm === null)
        return { kind: "accepted", note: "about no single alarm; nothing was switched" };
      const cause = createHash("sha256").update(thread).digest("hex").slice(0, 16);
      const order = { node, output, cause, on: !isOver && !isAcknowledged };
      try {
        await signals.order(order, clock, timeoutMs);
        return { kind: "delivered" };
      } catch (error) {
        const why = (error as Error).message;
        return { kind: error instanceof NoSuchOutput ? "refused" : "failed", why };
      }
    },
  };
}
