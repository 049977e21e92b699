import type { EpochMs } from "../../contract/clock.ts";
import { type Fact, isPowerKind } from "./fact.ts";
import type { Topology } from "./topology.ts";

/** How one alarm explains another. Earlier in this list is the better explanation. */
export const MEDIA = ["same", "reader", "supply", "air", "neighbour"] as const;
export type Medium = (typeof MEDIA)[number];

const MINUTE_MS = 60_000;

/**
 * How long before its cause a symptom may have been raised (delays differ), how long after the newest
 * sign of the cause, and how long after the cause was over. Air is slow, electricity is quick.
 */
export const WINDOWS: Record<Medium, { beforeMs: number; afterMs: number; lingerMs: number }> = {
  same: { beforeMs: 0, afterMs: 24 * 60 * MINUTE_MS, lingerMs: 10 * MINUTE_MS },
  reader: { beforeMs: 5 * MINUTE_MS, afterMs: 24 * 60 * MINUTE_MS, lingerMs: 5 * MINUTE_MS },
  supply: { beforeMs: 3 * MINUTE_MS, afterMs: 15 * MINUTE_MS, lingerMs: 5 * MINUTE_MS },
  air: { beforeMs: 15 * MINUTE_MS, afterMs: 60 * MINUTE_MS, lingerMs: 30 * MINUTE_MS },
  neighbour: { beforeMs: 0, afterMs: 15 * MINUTE_MS, lingerMs: 5 * MINUTE_MS },
};

/** Whether `cause` can explain `effect` at all, and through what. */
export function explains(topology: Topology, cause: Fact, effect: Fact): Medium | null {
  if (cause.nature === "other" || effect.nature === "other") return null;
  if (cause.place === effect.place && cause.kind === effect.kind) return samePlace(cause, effect);
  if (cause.nature === "silence") return isReaderOf(cause, effect) ? "reader" : null;
  if (isPowerKind(cause.kind) && cause.nature === "electric") {
    const reached = topology.powers(cause.place).has(effect.place);
    // A sensor at a rack does not live on the rack's power.
    if (reached && (effect.kind !== "rack" || effect.nature === "electric")) return "supply";
  }
  if (effect.nature === "heat" || (effect.nature === "cooling" && effect.kind === "room")) {
    if (cause.kind === "rack")
      return effect.nature === "heat" &&
        cause.nature === "heat" &&
        topology.neighbours(cause.place).has(effect.place)
        ? "neighbour"
        : null;
    const warms = cause.nature === "electric" ? isPowerKind(cause.kind) : cause.kind !== "room";
    // Warm air coming back to one unit is no reason for warm air at another.
    const peers = cause.kind === "cooling" && effect.kind === "cooling";
    if (peers && cause.nature !== "cooling") return null;
    if (warms && topology.warms(cause.place).has(effect.place)) return "air";
  }
  return null;
}

function samePlace(cause: Fact, effect: Fact): Medium | null {
  if (cause.nature === effect.nature) return "same";
  const isDevice = isPowerKind(cause.kind) || cause.kind === "cooling";
  if (!isDevice || cause.nature === "silence") return null;
  // A device without power stops answering, and a stopped cooling unit gets warm air back.
  return "same";
}

function isReaderOf(cause: Fact, effect: Fact): boolean {
  if (effect.nature !== "silence") return false;
  if (cause.kind === "node") return effect.node === cause.place;
  return cause.kind === "bus" && effect.node === cause.node && effect.bus === cause.bus;
}

/** A standing or recent alarm that might be a cause. */
export interface Sign {
  fact: Fact;
  /** When its condition was over; null while it stands. */
  clearedAt: EpochMs | null;
}

/** Whether the two also fit in time. `freshAt`: the newest sign of the cause's incident. */
export function fits(medium: Medium, cause: Sign, effect: Fact, freshAt: EpochMs): boolean {
  const { beforeMs, afterMs, lingerMs } = WINDOWS[medium];
  const { raisedAt } = cause.fact;
  if (effect.raisedAt < raisedAt) return raisedAt - effect.raisedAt <= beforeMs;
  if (cause.clearedAt !== null && effect.raisedAt - cause.clearedAt > lingerMs) return false;
  return effect.raisedAt - Math.max(raisedAt, freshAt) <= afterMs;
}
