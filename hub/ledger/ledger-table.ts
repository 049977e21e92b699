import type { LedgerRecord } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";
import { CHAIN_START } from "./chain.ts";

export interface LedgerRow {
  seq: number;
  type: string;
  at: EpochMs;
  received_at: EpochMs;
  node: string | null;
  epoch: string | null;
  source_seq: number | null;
  door: string | null;
  label: string | null;
  /** Canonical JSON: the bytes that were hashed. */
  record: string;
  hash: string;
}

/** The most records one page may hold. */
export const MAX_PAGE = 1_000;

export interface LedgerQuery {
  /** Event time: `from` included, `to` not. */
  from?: EpochMs | undefined;
  to?: EpochMs | undefined;
  door?: string | undefined;
  /** A whole type (`door.opened`) or its family (`door`). */
  type?: string | undefined;
  /** `next` of the page before. */
  cursor?: number | undefined;
  /** 1…1,000. */
  limit: number;
  /** By record number; the newest first when left out. */
  order?: "newest" | "oldest" | undefined;
}

// INSERT OR REPLACE removes a row without firing delete triggers, so inserting is guarded as well.
const SCHEMA = `
CREATE TABLE IF NOT EXISTS ledger (
  seq INTEGER PRIMARY KEY, type TEXT NOT NULL, at INTEGER NOT NULL, received_at INTEGER NOT NULL,
  node TEXT, epoch TEXT, source_seq INTEGER, door TEXT, label TEXT,
  record TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS ledger_source ON ledger (node, epoch, source_seq)
  WHERE source_seq IS NOT NULL;
CREATE INDEX IF NOT EXISTS ledger_at ON ledger (at);
CREATE INDEX IF NOT EXISTS ledger_door ON ledger (door, seq) WHERE door IS NOT NULL;
CREATE TRIGGER IF NOT EXISTS ledger_no_update BEFORE UPDATE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_no_delete BEFORE DELETE ON ledger
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER IF NOT EXISTS ledger_no_replace BEFORE INSERT ON ledger
  WHEN NEW.seq IS NOT (SELECT coalesce(max(seq), 0) + 1 FROM ledger) OR EXISTS (
    SELECT 1 FROM ledger WHERE node = NEW.node AND epoch = NEW.epoch AND source_seq = NEW.source_seq)
  BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
`;

/** The table behind the ledger; nothing else writes it. */
export class LedgerTable {
  readonly #db: HubDb;
  readonly #statements;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    this.#db = db;
    this.#statements = {
      head: db.prepare<[], Pick<LedgerRow, "seq" | "hash">>(
        "SELECT seq, hash FROM ledger ORDER BY seq DESC LIMIT 1",
      ),
      has: db.prepare<[string, string, number], number>(
        "SELECT 1 FROM ledger WHERE node = ? AND epoch = ? AND source_seq = ?",
      ),
      lastOfDoor: db.prepare<[string, string, string], { source: number }>(
        `SELECT json_extract(record, '$.source') AS source FROM ledger
         WHERE door = ? AND node = ? AND epoch = ? AND source_seq IS NOT NULL
         ORDER BY seq DESC LIMIT 1`,
      ),
      insert: db.prepare<LedgerRow>(
        `INSERT INTO ledger VALUES (@seq, @type, @at, @received_at, @node, @epoch, @source_seq,
         @door, @label, @record, @hash)`,
      ),
      one: db.prepare<[number], LedgerRow>("SELECT * FROM ledger WHERE seq = ?"),
      all: db.prepare<[], LedgerRow>("SELECT * FROM ledger ORDER BY seq"),
      after: db.prepare<[number, number], LedgerRow>(
        "SELECT * FROM ledger WHERE seq > ? ORDER BY seq LIMIT ?",
      ),
    };
  }

  head(): { seq: number; hash: Uint8Array } {
    const head = this.#statements.head.get();
    return head
      ? { seq: head.seq, hash: Buffer.from(head.hash, "hex") }
      : { seq: 0, hash: CHAIN_START };
  }

  has(node: string, epoch: string, sourceSeq: number): boolean {
    return this.#statements.has.get(node, epoch, sourceSeq) !== undefined;
  }

  /** The door's own number of the newest event recorded from this spool. */
  lastOfDoor(door: string, node: string, epoch: string): number | undefined {
    return this.#statements.lastOfDoor.get(door, node, epoch)?.source;
  }

  insert(row: LedgerRow): void {
    this.#statements.insert.run(row);
  }

  one(seq: number): LedgerRecord {
    const row = this.#statements.one.get(seq);
    if (!row) throw new RangeError(`the ledger has no record ${seq}`);
    return toRecord(row);
  }

  rows(): Iterable<LedgerRow> {
    return this.#statements.all.iterate();
  }

  after(seq: number, limit: number): LedgerRow[] {
    return this.#statements.after.all(seq, limit);
  }

  read(query: LedgerQuery): { items: LedgerRecord[]; next: number | null } {
    const { from, to, door, type, cursor, limit, order = "newest" } = query;
    if (!Number.isInteger(limit) || limit < 1 || limit > MAX_PAGE)
      throw new RangeError(`limit ${limit} is outside 1–${MAX_PAGE}`);
    const newest = order === "newest";
    const tests: string[] = [];
    if (from !== undefined) tests.push("at >= @from");
    if (to !== undefined) tests.push("at < @to");
    if (door !== undefined) tests.push("door = @door");
    if (type !== undefined)
      tests.push("(type = @type OR substr(type, 1, length(@type) + 1) = @type || '.')");
    if (cursor !== undefined) tests.push(newest ? "seq < @cursor" : "seq > @cursor");
    const where = tests.length > 0 ? `WHERE ${tests.join(" AND ")}` : "";
    const rows = this.#db
      .prepare<Record<string, unknown>, LedgerRow>(
        `SELECT * FROM ledger ${where} ORDER BY seq ${newest ? "DESC" : "ASC"} LIMIT @rows`,
      )
      .all({ from, to, door, type, cursor, rows: limit + 1 });
    const items = rows.slice(0, limit).map(toRecord);
    return { items, next: rows.length > limit ? (items.at(-1)?.seq ?? null) : null };
  }
}

function toRecord(row: LedgerRow): LedgerRecord {
  return {
    seq: row.seq,
    type: row.type,
    at: row.at,
    receivedAt: row.received_at,
    node: row.node,
    door: row.door,
    label: row.label,
    detail: JSON.parse(row.record) as Record<string, unknown>,
    hash: row.hash,
  };
}
