import type { EpochMs } from "../../contract/clock.ts";
import type { DoorEvent } from "../../contract/message.ts";
import type { Readings } from "../readings.ts";
import type { Spool } from "../spool/spool.ts";

/** Writes door events, each with the door's own number, and remembers each door's last state across restarts. */
export interface DoorLog {
  /** Records `opened` or `closed` unless that is the state last recorded. */
  state(door: string, open: boolean, at: EpochMs): void;
  trouble(door: string, what: "chatter" | "fault", at: EpochMs): void;
}

/** A door never seen before counts as closed, so that one found open at the first start is recorded. */
export function createDoorLog(deps: {
  spool: Spool;
  readings: Pick<Readings, "event" | "taken">;
}): DoorLog {
  const { spool, readings } = deps;

  function record(door: string, what: DoorEvent["what"], at: EpochMs): void {
    const source = spool.count(`source.${door}`);
    const clock = readings.taken().synced ? "synced" : "unsynced";
    readings.event({ type: "door", door, what, at: Math.round(at), source, clock });
  }

  return {
    state(door, open, at) {
      const name = `door.${door}`;
      const state = open ? "open" : "closed";
      if ((spool.recall(name) ?? "closed") === state) return;
      spool.atomically(() => {
        spool.remember(name, state);
        record(door, open ? "opened" : "closed", at);
      });
    },
    trouble: (door, what, at) => spool.atomically(() => record(door, what, at)),
  };
}
