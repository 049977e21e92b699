import type { PointInfo } from "../../contract/message.ts";
import type { QuantityId } from "../../contract/quantity.ts";
import type { JsonPath } from "./json-path.ts";
import type { Conversion } from "./units.ts";

/** A value as a device may write it: `ON`, `open`, true, 1. */
export type Word = string | number | boolean;

/** How the messages of one topic, or of a family of them, become readings of one point each. */
export interface ForeignMapping {
  topic: string;
  /** Null: the whole payload is the value, as plain text or as JSON. */
  path: JsonPath | null;
  /** Where the payload says when it was measured; null: when it arrives. */
  timePath: JsonPath | null;
  /** With `{1}` … for the captures of the topic. */
  point: string;
  label: string;
  quantity: QuantityId;
  periodMs: number;
  conversion: Conversion;
  /** For quantity `flag`: what means 1 and what means 0. Null: true/false, on/off and 1/0. */
  words: { on: Word[]; off: Word[] } | null;
}

/** A user name of the broker, and the node its devices' points belong to. Never log it whole. */
export interface ForeignAccount {
  id: string;
  label: string;
  password: string;
  mappings: ForeignMapping[];
}

/** An account that may only read what the hub publishes. Never log it whole. */
export interface ReaderAccount {
  id: string;
  password: string;
}

/** The most points that one account's topics may make; messages for further ones are refused. */
export const MAX_POINTS_PER_ACCOUNT = 1_000;

export function pointInfoOf(mapping: ForeignMapping, id: string, label: string): PointInfo {
  const { quantity, periodMs } = mapping;
  return { id, quantity, label: label.slice(0, 60), periodMs };
}
