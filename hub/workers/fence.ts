import type { HubDb } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";

/** Somebody with a newer token judges alarms now: whatever this process still wants to write is void. */
export class Fenced extends Error {
  override name = "Fenced";
}

/** Keeps a hub that has been replaced without knowing it from writing alarms. */
export interface Fence {
  readonly token: number;
  /** Call it inside the transaction that writes. Throws Fenced. */
  check(): void;
}

/** Shuts out everybody with an older token, on disk when it returns. Throws Fenced when there is a newer one. */
export function raiseFence(db: HubDb, token: number): Fence {
  db.exec(`CREATE TABLE IF NOT EXISTS alarm_fence (
    id INTEGER PRIMARY KEY CHECK (id = 1), token INTEGER NOT NULL
  ) STRICT`);
  const newest = db.prepare<[], number>("SELECT token FROM alarm_fence").pluck();
  const check = () => {
    const stored = newest.get() ?? 0;
    if (stored > token)
      throw new Fenced(`alarms are judged by a newer holder (token ${stored}; own ${token})`);
  };
  transact(db, () => {
    check();
    db.prepare(
      "INSERT INTO alarm_fence VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET token = excluded.token",
    ).run(token);
  });
  return { token, check };
}
