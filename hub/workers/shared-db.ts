import type { HubDb } from "../state/hub-db.ts";

/** Longer than any sound commit of another worker, short enough that many in a row cost no lease. */
const BUSY_MS = 100;

/**
 * From now on waits only briefly for other processes. One that hangs may hold the lock of hub.db until it is
 * ended, which is up to others whose leases must not run out while they wait: writes fail and are tried again.
 */
export function shareHubDb(db: HubDb): void {
  db.pragma(`busy_timeout = ${BUSY_MS}`);
}
