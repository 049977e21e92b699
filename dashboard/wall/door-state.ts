import type { DoorView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { Showing } from "../staleness.ts";
import { shortAge, stopwatch } from "../time.ts";

export type DoorState =
  | { kind: "closed" }
  | { kind: "open"; for: string }
  | { kind: "unknown"; for: string };

/** A door is open or closed only while its contact is being read. */
export function doorState(
  door: DoorView | undefined,
  contact: Showing | null,
  now: EpochMs,
): DoorState {
  if (contact && contact.kind !== "value")
    return { kind: "unknown", for: "ageMs" in contact ? shortAge(contact.ageMs) : "" };
  const state = door?.state ?? (contact ? (contact.value === 0 ? "closed" : "open") : "unknown");
  if (state === "unknown") return { kind: "unknown", for: "" };
  if (state === "closed") return { kind: "closed" };
  return { kind: "open", for: door?.since ? stopwatch(now - door.since) : "" };
}
