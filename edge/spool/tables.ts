import type { Database } from "better-sqlite3";

export const FILE_VERSION = 1;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS boots (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, offset_ms INTEGER) STRICT;
CREATE TABLE IF NOT EXISTS rows (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  class INTEGER NOT NULL,
  subject TEXT NOT NULL,
  at INTEGER NOT NULL,
  boot INTEGER NOT NULL,
  mono INTEGER NOT NULL,
  synced INTEGER NOT NULL,
  payload TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS events ON rows(subject) WHERE class = 1;
`;

/** Sets the file up for durability and makes what is missing in it. */
export function prepareTables(db: Database): void {
  for (const pragma of [
    "journal_mode = WAL",
    "synchronous = FULL",
    "journal_size_limit = 4194304",
    "wal_autocheckpoint = 500",
  ])
    db.pragma(pragma);
  db.exec(SCHEMA);
  db.pragma(`user_version = ${FILE_VERSION}`);
}

/** The number of this boot in the file. Boots without rows are forgotten. */
export function bootRow(db: Database, bootId: string): number {
  db.prepare("DELETE FROM boots WHERE name <> ? AND id NOT IN (SELECT boot FROM rows)").run(bootId);
  db.prepare("INSERT OR IGNORE INTO boots (name) VALUES (?)").run(bootId);
  return db.prepare<[string], { id: number }>("SELECT id FROM boots WHERE name = ?").get(bootId)!
    .id;
}

/** Size of the events below a sequence number. */
export function eventBytes(db: Database, below: number): number {
  const sum = db
    .prepare<[number], { bytes: number | null }>(
      "SELECT sum(length(payload)) AS bytes FROM rows INDEXED BY events WHERE class = 1 AND seq < ?",
    )
    .get(below);
  return sum?.bytes ?? 0;
}
