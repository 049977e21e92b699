import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import type { SpoolEvent } from "../../contract/message.ts";
import { prepareTables } from "../../edge/spool/tables.ts";

/** Kept by SQLite itself in the transaction that commits a row, so it says exactly what was spooled. */
const JOURNAL = `
CREATE TABLE IF NOT EXISTS spooled (
  subject TEXT PRIMARY KEY, count INTEGER NOT NULL, sum REAL NOT NULL, max REAL
) STRICT;
CREATE TABLE IF NOT EXISTS spooled_event (seq INTEGER PRIMARY KEY, payload TEXT NOT NULL) STRICT;
CREATE TRIGGER IF NOT EXISTS journal_reading AFTER INSERT ON rows WHEN NEW.class = 0 BEGIN
  INSERT INTO spooled VALUES (NEW.subject, 1, coalesce(json_extract(NEW.payload, '$[2]'), 0.0),
    json_extract(NEW.payload, '$[2]'))
  ON CONFLICT (subject) DO UPDATE SET count = count + 1, sum = sum + excluded.sum,
    max = max(coalesce(max, excluded.max), coalesce(excluded.max, max));
END;
CREATE TRIGGER IF NOT EXISTS journal_event AFTER INSERT ON rows WHEN NEW.class = 1 BEGIN
  INSERT INTO spooled_event VALUES (NEW.seq, NEW.payload);
END;
`;

export interface Series {
  count: number;
  sum: number;
  max: number | null;
}

export interface HeldRow {
  seq: number;
  class: 0 | 1;
  payload: string;
}

export interface Journal {
  epoch: string;
  /** What was ever committed, by point. */
  readings: Map<string, Series>;
  /** Every event ever committed, by sequence. */
  events: Map<number, SpoolEvent>;
  /** What waits for the hub. */
  held: HeldRow[];
}

/** Makes the spool's file with a journal in it, before the program that uses it starts. */
export function makeJournal(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  const db = new Database(file);
  try {
    prepareTables(db);
    db.exec(JOURNAL);
  } finally {
    db.close();
  }
}

export function readJournal(file: string): Journal {
  return inSpool(file, (db) => {
    const events = db
      .prepare<[], { seq: number; payload: string }>("SELECT seq, payload FROM spooled_event")
      .all();
    const readings = db.prepare<[], Series & { subject: string }>("SELECT * FROM spooled").all();
    const fact = db.prepare<[], string>("SELECT value FROM facts WHERE name = 'epoch'");
    return {
      epoch: fact.pluck().get() ?? "",
      readings: new Map(readings.map(({ subject, ...series }) => [subject, series])),
      events: new Map(
        events.map(({ seq, payload }) => [
          seq,
          (JSON.parse(payload) as { event: SpoolEvent }).event,
        ]),
      ),
      held: db.prepare<[], HeldRow>("SELECT seq, class, payload FROM rows ORDER BY seq").all(),
    };
  });
}

/** First row not yet deleted as acknowledged, and the last ever given. */
export function spoolEnds(file: string): { first: number; last: number } {
  return inSpool(file, (db) => ({
    last:
      db.prepare<[], number>("SELECT seq FROM sqlite_sequence WHERE name = 'rows'").pluck().get() ??
      0,
    first:
      db.prepare<[], number>("SELECT min(seq) FROM rows").pluck().get() ?? Number.MAX_SAFE_INTEGER,
  }));
}

function inSpool<T>(file: string, look: (db: Database.Database) => T): T {
  if (!existsSync(file)) throw new Error(`${file} is missing`);
  const db = new Database(file, { readonly: true, timeout: 5_000 });
  try {
    return db.transaction(() => look(db))();
  } finally {
    db.close();
  }
}
