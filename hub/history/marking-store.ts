import Database from "better-sqlite3";
import type { Coverage } from "./coverage.ts";
import { type HistoryStore, StoreError } from "./store.ts";

/** The store's `write`, done only once the hours it touched are noted for the rollups, too. */
export function markingWrites(
  store: Pick<HistoryStore, "write">,
  coverage: Pick<Coverage, "mark">,
): Pick<HistoryStore, "write"> {
  return {
    async write(readings, signal) {
      await store.write(readings, signal);
      try {
        coverage.mark(readings);
      } catch (error) {
        if (!(error instanceof Database.SqliteError)) throw error;
        throw new StoreError("retry", `hub.db: ${error.message}`);
      }
    },
  };
}
