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
  /** The row as it came; beyond `MAX_TEXT` characters it is cut, and can no longer be released. */
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

/** Rows that fit all that is given. */
export interface QuarantineChoice {
  ids?: readonly number[] | undefined;
  node?: string | undefined;
  /** The whole reason. */
  why?: string | undefined;
}

export interface QuarantineQuery extends QuarantineChoice {
  limit: number;
  /** Only rows with a smaller id: `next` of the page before. */
  before?: number | undefined;
}

export interface Quarantine {
  /** Durable on return. Throws SqliteError when the disk fails. */
  add(entries: readonly QuarantineEntry[]): void;
  /** The newest first. */
  list(query: QuarantineQuery): QuarantineItem[];
  /** How many rows are kept for each reason; the most frequent first, at most 100. */
  reasons(): { why: string; count: number }[];
  /** Takes rows out; those of ids that are not here any more are left out of the count. */
  remove(ids: readonly number[]): number;
  /** Writes down why a row is still here. */
  keep(id: number, why: string): void;
  /** Rows kept at present. */
  held(): number;
  /** Rows ever put here, also those no longer kept. */
  count(): number;
  countByNode(node: string): number;
}

/** Rows that are kept; beyond it the oldest of the node with the most go and are only counted. */
export const MAX_KEPT = 10_000;
const MAX_TEXT = 2_000;
const MAX_REASONS = 100;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS quarantine (
    id INTEGER PRIMARY KEY AUTOINCREMENT, node TEXT NOT NULL, epoch TEXT NOT NULL,
    seq INTEGER NOT NULL, received_at INTEGER NOT NULL, why TEXT NOT NULL, row TEXT NOT NULL,
    UNIQUE (node, epoch, seq)
  ) STRICT;
  CREATE TABLE IF NOT EXISTS quarantine_count (
    node TEXT PRIMARY KEY, count INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;`;

/** Refused rows in hub.db, and how many there ever were of each node. */
export function openQuarantine(db: Database): Quarantine {
  db.exec(SCHEMA);
  const insert = db.prepare(
    `INSERT OR IGNORE INTO quarantine (node, epoch, seq, received_at, why, row)
     VALUES (?, ?, ?, ?, ?, ?)`,
  );
  const greediest = db
    .prepare<[], string>("SELECT node FROM quarantine GROUP BY node ORDER BY count(*) DESC LIMIT 1")
    .pluck();
  const trim = db.prepare<[string, number]>(
    `DELETE FROM quarantine WHERE id IN
     (SELECT id FROM quarantine WHERE node = ? ORDER BY id LIMIT ?)`,
  );
  const addCount = db.prepare(
    `INSERT INTO quarantine_count VALUES (?, 1)
     ON CONFLICT (node) DO UPDATE SET count = count + 1`,
  );
  const remove = db.prepare<[number]>("DELETE FROM quarantine WHERE id = ?");
  const keep = db.prepare<[string, number]>("UPDATE quarantine SET why = ? WHERE id = ?");
  const reasons = db.prepare<[number], { why: string; count: number }>(
    "SELECT why, count(*) AS count FROM quarantine GROUP BY why ORDER BY count DESC, why LIMIT ?",
  );
  const total = db
    .prepare<[], number>("SELECT coalesce(sum(count), 0) FROM quarantine_count")
    .pluck();
  const ofNode = db
    .prepare<[string], number>("SELECT count FROM quarantine_count WHERE node = ?")
    .pluck();
  let held = db.prepare<[], number>("SELECT count(*) FROM quarantine").pluck().get() ?? 0;

  const addAll = db.transaction((entries: readonly QuarantineEntry[]) => {
    let kept = held;
    for (const { node, epoch, seq, receivedAt, why, row } of entries) {
      const { changes } = insert.run(node, epoch, seq, receivedAt, why, textOf(row));
      kept += changes;
      if (changes > 0) addCount.run(node);
    }
    while (kept > MAX_KEPT) kept -= trim.run(greediest.get() ?? "", kept - MAX_KEPT).changes;
    return kept;
  });
  const removeAll = db.transaction((ids: readonly number[]) =>
    ids.reduce((sum, id) => sum + remove.run(id).changes, 0),
  );
  return {
    add(entries) {
      held = addAll(entries);
    },
    list: (query) => select(db, query),
    reasons: () => reasons.all(MAX_REASONS),
    remove(ids) {
      const removed = removeAll(ids);
      held -= removed;
      return removed;
    },
    keep: (id, why) => void keep.run(why, id),
    held: () => held,
    count: () => total.get() ?? 0,
    countByNode: (node) => ofNode.get(node) ?? 0,
  };
}

function select(db: Database, { limit, before, ids, node, why }: QuarantineQuery) {
  const terms: [sql: string, value: number | string | undefined][] = [
    ["id < ?", before],
    ["node = ?", node],
    ["why = ?", why],
    ["id IN (SELECT value FROM json_each(?))", ids && JSON.stringify(ids)],
  ];
  const given = terms.filter(([, value]) => value !== undefined);
  const where = given.length > 0 ? `WHERE ${given.map(([sql]) => sql).join(" AND ")}` : "";
  const values = given.map(([, value]) => value);
  return db
    .prepare<unknown[], QuarantineItem>(
      `SELECT id, node, epoch, seq, received_at AS receivedAt, why, row
       FROM quarantine ${where} ORDER BY id DESC LIMIT ?`,
    )
    .all(...values, Math.min(limit, MAX_KEPT));
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
