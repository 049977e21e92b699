import type { Database } from "better-sqlite3";
import type { EpochMs } from "../../contract/clock.ts";

/** A row that may not go into the history, kept so that a person can see what it was. */
export interface QuarantineEntry {
  node: string;
  /** Together with `node` they name the row for ever: sent again, it is kept once. */
  epoch: string;
  seq: number;
  receivedAt: EpochMs;
  why: string;
  /** The row as it came; beyond `MAX_TEXT` characters it is cut. */
  row: unknown;
}

export interface QuarantineItem {
  id: number;
  node: string;
  epoch: string;
  seq: number;
  receivedAt: EpochMs;
  why: string;
  row: string;
}

export interface Quarantine {
  /** Durable on return. Throws SqliteError when the disk fails. */
  add(entries: readonly QuarantineEntry[]): void;
  /** The newest first. */
  list(query: { limit: number }): QuarantineItem[];
  /** Rows ever put here, also those no longer kept. */
  count(): number;
  countByNode(node: string): number;
}

/** The newest rows that are kept; older ones are only counted. */
export const MAX_KEPT = 10_000;
const MAX_TEXT = 500;

/** Refused rows in hub.db: the newest `MAX_KEPT`, and how many there ever were of each node. */
export function openQuarantine(db: Database): Quarantine {
  db.exec(`
    CREATE TABLE IF NOT EXISTS quarantine (
      id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, epoch TEXT NOT NULL,
      seq INTEGER NOT NULL, received_at INTEGER NOT NULL, why TEXT NOT NULL, row TEXT NOT NULL,
      UNIQUE (node, epoch, seq)
    ) STRICT;
    CREATE TABLE IF NOT EXISTS quarantine_count (
      node TEXT PRIMARY KEY, count INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;`);
  const insert = db.prepare(
    `INSERT OR IGNORE INTO quarantine (node, epoch, seq, received_at, why, row)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const trim = db.prepare(
    "DELETE FROM quarantine WHERE id <= (SELECT max(id) FROM quarantine) - ?",
  );
  const addCount = db.prepare(
    `INSERT INTO quarantine_count VALUES (?, 1)
     ON CONFLICT (node) DO UPDATE SET count = count + 1`,
  );
  const newest = db.prepare<[number], QuarantineItem>(
    `SELECT id, node, epoch, seq, received_at AS receivedAt, why, row
     FROM quarantine ORDER BY id DESC LIMIT ?`,
  );
  const total = db
    .prepare<[], number>("SELECT coalesce(sum(count), 0) FROM quarantine_count")
    .pluck();
  const ofNode = db
    .prepare<[string], number>("SELECT count FROM quarantine_count WHERE node = ?")
    .pluck();
  const addAll = db.transaction((entries: readonly QuarantineEntry[]) => {
    for (const { node, epoch, seq, receivedAt, why, row } of entries) {
      const { changes } = insert.run(node, epoch, seq, receivedAt, why, textOf(row));
      if (changes > 0) addCount.run(node);
    }
    trim.run(MAX_KEPT);
  });
  return {
    add: (entries) => addAll(entries),
    list: ({ limit }) => newest.all(Math.min(limit, MAX_KEPT)),
    count: () => total.get() ?? 0,
    countByNode: (node) => ofNode.get(node) ?? 0,
  };
}

function textOf(row: unknown): string {
  try {
    return JSON.stringify(row).slice(0, MAX_TEXT);
  } catch (error) {
    // Arrays nested some thousand deep overflow the stack here, though JSON.parse took them.
    if (error instanceof RangeError) return "(nested too deep to show)";
    throw error;
  }
}
