import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";
import { type Bend, UNKNOWN_ROOM } from "./minutes-to-limit.ts";
import { quantile } from "./slope.ts";

/** Rises kept of each room; beyond it the oldest are forgotten. */
const MAX_SEEN = 500;
/** A room's own constant counts from so many on. */
export const LEAST_SEEN = 30;

/** What each room has shown of how its rises bend, learned while incidents stand; in hub.db. */
export class RoomBends {
  readonly #add;
  readonly #prune;
  readonly #of;
  readonly #known = new Map<string, Bend>();

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS race_bend (
      id INTEGER PRIMARY KEY AUTOINCREMENT, room TEXT NOT NULL, at INTEGER NOT NULL,
      bend REAL NOT NULL
    ) STRICT;
    CREATE INDEX IF NOT EXISTS race_bend_room ON race_bend (room, id);`);
    this.#add = db.prepare<[string, EpochMs, number]>(
      "INSERT INTO race_bend (room, at, bend) VALUES (?, ?, ?)",
    );
    this.#prune = db.prepare<[string, string, number]>(
      `DELETE FROM race_bend WHERE room = ? AND id <=
       (SELECT id FROM race_bend WHERE room = ? ORDER BY id DESC LIMIT 1 OFFSET ?)`,
    );
    this.#of = db
      .prepare<[string], number>("SELECT bend FROM race_bend WHERE room = ? ORDER BY id")
      .pluck();
  }

  of(room: string): Bend {
    const known = this.#known.get(room);
    if (known) return known;
    const bend = bendFrom(this.#of.all(room));
    this.#known.set(room, bend);
    return bend;
  }

  learn(room: string, at: EpochMs, bend: number): void {
    this.#add.run(room, at, bend);
    this.#prune.run(room, room, MAX_SEEN);
    this.#known.delete(room);
  }
}

/** The middle of what was seen, with nine of ten between the ends; the cautious default before that. */
export function bendFrom(seen: readonly number[]): Bend {
  if (seen.length < LEAST_SEEN) return UNKNOWN_ROOM;
  return {
    low: Math.min(-0.05, quantile(seen, 0.05)),
    usual: quantile(seen, 0.5),
    high: Math.max(0.05, quantile(seen, 0.95)),
  };
}
