import type { EpochMs } from "../../contract/clock.ts";
import type { SpoolEvent } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import type { LiveState } from "../live/live-state.ts";
import { whyNotStamp } from "./stamps.ts";

/** Why a node's reading may not be stored at `now`; undefined when it may. */
export function whyNotReading(
  live: Pick<LiveState, "owner">,
  node: string,
  { point, at }: Reading,
  now: EpochMs,
): string | undefined {
  const why = whyNotStamp(at, now);
  if (why !== undefined) return why;
  const owner = live.owner(node, point);
  if (owner === "mine") return undefined;
  return owner === "foreign" ? "point belongs to another node" : "point was never announced";
}

/** An event is evidence: its time may be wrong, but nobody reports another node's door or alarm. */
export function whyNotEvent(
  live: Pick<LiveState, "owner" | "door">,
  node: string,
  event: SpoolEvent,
): string | undefined {
  if (event.type === "alarm" && live.owner(node, event.subject) === "foreign")
    return "alarm's point belongs to another node";
  if (event.type !== "door") return undefined;
  const door = live.door(event.door);
  return door && door.node !== node ? "door belongs to another node" : undefined;
}
