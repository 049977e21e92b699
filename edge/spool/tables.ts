import type { Database } from "better-sqlite3";
import type { Batch, SpoolRow } from "./spool.ts";

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

/**
 * The number of this boot in the file. Boots without rows are forgotten. Of a boot that ended without
 * ever knowing the time, the last time known before it is kept: it began later than that.
 */
export function bootRow(db: Database, bootId: string): number {
  db.prepare("DELETE FROM boots WHERE name <> ? AND id NOT IN (SELECT boot FROM rows)").run(bootId);
  db.exec(
    "DELETE FROM facts WHERE name LIKE 'after.%' AND substr(name, 7) NOT IN (SELECT name FROM boots)",
  );
  db.prepare(
    `INSERT OR IGNORE INTO facts (name, value)
     SELECT 'after.' || boots.name, facts.value FROM boots JOIN facts ON facts.name = 'wall'
     WHERE boots.offset_ms IS NULL AND boots.name <> ?`,
  ).run(bootId);
  db.prepare("INSERT OR IGNORE INTO boots (name) VALUES (?)").run(bootId);
  return db.prepare<[string], { id: number }>("SELECT id FROM boots WHERE name = ?").get(bootId)!
    .id;
}

/** A row as it stands in the file, with what its boot knows of the time. */
export interface StoredRow {
  seq: number;
  class: number;
  at: number;
  mono: number;
  synced: number;
  boot: number;
  offset: number | null;
  after: number | null;
  payload: string;
}

export const SELECT_ROWS = `SELECT seq, class, at, mono, synced, boot, offset_ms AS offset,
  CAST(facts.value AS INTEGER) AS after, payload
  FROM rows JOIN boots ON boots.id = rows.boot LEFT JOIN facts ON facts.name = 'after.' || boots.name`;

export function spoolRow(row: StoredRow, thisBoot: number | undefined): SpoolRow {
  return {
    seq: row.seq,
    kind: row.class === 0 ? "reading" : "event",
    at: row.at,
    monoMs: row.mono,
    synced: row.synced === 1,
    thisBoot: row.boot === thisBoot,
    offsetMs: row.offset,
    afterMs: row.after,
    payload: row.payload,
  };
}

/** Rows in order as a batch, in which every number from `first` on is accounted for. */
export function toBatch(
  first: number,
  stored: readonly StoredRow[],
  rowOf: (row: StoredRow) => SpoolRow,
): Batch | undefined {
  if (stored.length === 0) return undefined;
  const rows: Batch["rows"] = [];
  let next = first;
  for (const row of stored) {
    if (row.seq > next) rows.push({ skip: row.seq - next });
    rows.push(rowOf(row));
    next = row.seq + 1;
  }
  return { first, next, rows };
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
