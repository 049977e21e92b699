import type { HubDb } from "./hub-db.ts";

type Callback = () => void;

/** Callbacks of the transaction that is open on each database. */
const waiting = new WeakMap<HubDb, Callback[]>();

/**
 * Runs `work` in one transaction, or inside the one already open, so that several modules can commit
 * together. When it throws, everything of it is undone, including what it asked to run after commit.
 */
export function transact<T>(db: HubDb, work: () => T): T {
  const outer = waiting.get(db);
  if (outer) {
    const kept = outer.length;
    try {
      return db.transaction(work)();
    } catch (error) {
      outer.length = kept;
      throw error;
    }
  }
  const callbacks: Callback[] = [];
  waiting.set(db, callbacks);
  let result: T;
  try {
    result = db.transaction(work).immediate();
  } finally {
    waiting.delete(db);
  }
  for (const callback of callbacks) callback();
  return result;
}

/** Runs `callback` once the open transaction is on disk; at once when none is open. */
export function afterCommit(db: HubDb, callback: Callback): void {
  const callbacks = waiting.get(db);
  if (callbacks) callbacks.push(callback);
  else callback();
}
