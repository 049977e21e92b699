import type { Condition } from "../../contract/alarm/rule.ts";
import type { EpochMs } from "../../contract/clock.ts";
import { roleOf } from "../../contract/id.ts";
import type { QuantityId } from "../../contract/quantity.ts";
import type { PlaceKind, Topology } from "./topology.ts";

/**
 * What an alarm speaks of. `silence`: nothing is measured. `open`: a door. `other`: nothing that
 * explains or is explained, such as a leak, a battery to replace or a frozen sensor.
 */
export type Nature = "electric" | "cooling" | "heat" | "silence" | "open" | "other";

/** An alarm as folding sees it. */
export interface Fact {
  alarm: string;
  /** Id of the place; `node/bus` for a bus; the subject itself when the site does not name its place. */
  place: string;
  kind: PlaceKind;
  nature: Nature;
  /** Who reads it. */
  node: string | null;
  bus: string | null;
  raisedAt: EpochMs;
}

/** What is known of an alarm's subject. */
export interface Sight {
  alarm: string;
  subject: string;
  raisedAt: EpochMs;
  /** Null for what only a node judges, by a rule the hub does not have. */
  condition: Condition | null;
  /** The limit it broke. */
  limit: number | null;
  /** Null when the subject is a node. */
  point: { node: string; quantity: QuantityId; bus: string | null } | null;
  isNode: boolean;
}

const AIR: readonly QuantityId[] = [
  ...(["temperature", "humidity", "dewPoint", "pressure"] as const),
];
const ELECTRIC: readonly QuantityId[] = [
  ...(["voltage", "current", "power", "apparentPower", "reactivePower"] as const),
  ...(["powerFactor", "frequency", "load", "runtime"] as const),
];
/** What a device says about its own upkeep neither takes power from others nor comes from a lack of it. */
const UPKEEP =
  /replace|test|fuel|battery-(hot|temperature|disconnected)|service|filter|coolant|oil/;
const POWER_KINDS: readonly PlaceKind[] = ["utility", "generator", "transfer", "ups", "pdu"];

export const isPowerKind = (kind: PlaceKind): boolean => POWER_KINDS.includes(kind);

export function factOf(sight: Sight, topology: Topology): Fact {
  const { alarm, subject, raisedAt, point, condition } = sight;
  const base = { alarm, raisedAt, node: point?.node ?? null, bus: point?.bus ?? null };
  if (sight.isNode) {
    const nature = condition?.kind === "silent" ? "silence" : "other";
    return { ...base, place: subject, kind: "node", nature, node: subject };
  }
  const bus = /^(.+)\.bus-(.+)-errors$/.exec(subject);
  if (bus && point && bus[1] === point.node) {
    const [, node = "", name = ""] = bus;
    const nature = condition?.kind === "stale" ? "other" : "silence";
    return { ...base, place: `${node}/${name}`, kind: "bus", nature, bus: name };
  }
  const place = topology.placeOfPoint(subject);
  const kind = place?.kind ?? "other";
  return { ...base, place: place?.id ?? subject, kind, nature: natureOf(sight, kind) };
}

function natureOf({ subject, condition, limit, point }: Sight, kind: PlaceKind): Nature {
  if (condition?.kind === "stale" || condition?.kind === "silent") return "silence";
  if (condition?.kind === "frozen" || !point) return "other";
  const role = roleOf(subject) ?? "";
  const isAir = AIR.includes(point.quantity);
  const tooCold =
    isAir && condition?.kind === "limit" && limit !== null && isBelow(condition, limit);
  if (tooCold) return "other";
  switch (kind) {
    case "utility":
    case "generator":
    case "transfer":
    case "ups":
    case "pdu":
      return isAir || UPKEEP.test(role) ? "other" : "electric";
    case "cooling":
      return isAir ? "heat" : UPKEEP.test(role) ? "other" : "cooling";
    case "rack":
      if (ELECTRIC.includes(point.quantity)) return "electric";
      return isAir || /ashrae|class/.test(role) ? "heat" : "other";
    case "room":
      if (isAir) return "heat";
      return /cooling|redundan/.test(subject) ? "cooling" : "other";
    case "door":
      return "open";
    default:
      return "other";
  }
}

function isBelow({ above, below }: Condition & { kind: "limit" }, limit: number): boolean {
  return below !== undefined && limit === below && limit !== above;
}
