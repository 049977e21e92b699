import type { EpochMs } from "../../contract/clock.ts";
import type { LiveDoor } from "./live-state.ts";

export type LastMove = (
  door: string,
  node: string,
) => { state: "open" | "closed"; at: EpochMs } | undefined;

/**
 * Doors that were first seen in the state they are in. Since when, the ledger tells once the node has sent
 * every event it had up to then: before that, the door may have moved unheard. One entry per door at most.
 */
export class DoorOrigins {
  readonly #lastMove: LastMove;
  readonly #waiting = new Map<LiveDoor, { firstAt: EpochMs; state: LiveDoor["state"] }>();

  constructor(lastMove: LastMove) {
    this.#lastMove = lastMove;
  }

  wanted(door: LiveDoor): void {
    if (door.state === "unknown" || door.at === null) return;
    if (this.#waiting.get(door)?.state === door.state) return;
    this.#waiting.set(door, { firstAt: door.at, state: door.state });
  }

  /** The node's record is complete up to this time. Returns the doors that now have a `since`. */
  settle(node: string, at: EpochMs): LiveDoor[] {
    if (this.#waiting.size === 0) return [];
    const settled: LiveDoor[] = [];
    for (const [door, { firstAt, state }] of this.#waiting) {
      if (door.node !== node || at < firstAt) continue;
      this.#waiting.delete(door);
      const last = this.#lastMove(door.info.id, door.node);
      // A door that has moved since shows its own time; one the ledger tells otherwise of shows none.
      if (door.since !== null || door.state !== state || last?.state !== state) continue;
      if (last.at > firstAt) continue;
      door.since = last.at;
      settled.push(door);
    }
    return settled;
  }
}
