import { setImmediate as others } from "node:timers/promises";
import Database from "better-sqlite3";
import type { Coverage } from "./coverage.ts";
import { type HistoryStore, StoreError } from "./store.ts";

/**
 * Rows marked in one go. When an hour begins each of them may be a change of hub.db, and live values and
 * alarms wait behind it.
 */
const ROWS_AT_ONCE = 500;

/** The store's `write`, done only once the hours it touched are noted for the rollups, too. */
export function markingWrites(
  store: Pick<HistoryStore, "write" | "rowsAtOnce">,
  coverage: Pick<Coverage, "mark">,
): Pick<HistoryStore, "write" | "rowsAtOnce"> {
  const { rowsAtOnce } = store;
  return {
    ...(rowsAtOnce !== undefined && { rowsAtOnce }),
    async write(readings, signal) {
      await store.write(readings, signal);
      for (let first = 0; first < readings.length; first += ROWS_AT_ONCE) {
        if (first > 0) await others();
        try {
          coverage.mark(readings.slice(first, first + ROWS_AT_ONCE));
        } catch (error) {
          if (!(error instanceof Database.SqliteError)) throw error;
          throw new StoreError("retry", `hub.db: ${error.message}`);
        }
      }
    },
  };
}
