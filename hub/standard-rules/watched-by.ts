import { existsSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { pino } from "pino";
import type { HubConfig } from "../config/hub-config.ts";
import { openKnownNodes } from "../live/known-nodes.ts";
import { ruleReport } from "./rule-report.ts";

/** What the rules apply to, by the nodes that this hub has heard of before. Changes nothing. */
export function watchedBy(config: HubConfig): string[] {
  const file = path.join(config.storage.path, "hub.db");
  if (!existsSync(file)) return [];
  try {
    const db = new Database(file, { readonly: true, timeout: 2_000 });
    try {
      const known = openKnownNodes(db, pino({ level: "silent" })).load();
      return ruleReport(
        config,
        known.map(({ birth }) => birth),
      );
    } finally {
      db.close();
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    return [
      `What the rules apply to is not known: ${file} cannot be read (${error.code}). While the hub runs, ask it.`,
    ];
  }
}
