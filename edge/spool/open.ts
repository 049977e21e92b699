import { existsSync, mkdirSync, renameSync } from "node:fs";
import path from "node:path";
import Sqlite, { type Database } from "better-sqlite3";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Taken } from "./spool.ts";
import { type SpoolOptions, SqliteSpool } from "./sqlite-spool.ts";
import { FILE_VERSION } from "./tables.ts";

export interface OpenOptions extends SpoolOptions {
  path: string;
  clock: Clock;
  log: Logger;
  /** Stamp of the events that opening itself makes. */
  taken: Taken;
}

/**
 * Opens the spool, making file and folder when missing. A damaged file is set aside, what can still be
 * read is taken over into a new file with a new epoch, and a `spool-corrupt` event says so.
 * Throws when the file was written by a newer version, or cannot be opened at all. A node opens its
 * spool by `openStore`, which knows what to do then.
 */
export function openSpool(options: OpenOptions): SqliteSpool {
  const { path: file, log, clock } = options;
  mkdirSync(path.dirname(file), { recursive: true });
  const found = inspect(file);
  if (found.sound) return spoolOn(found.db, options);
  const aside = setAside(file, clock.nowMs());
  const spool = spoolOn(new Sqlite(file), options);
  const saved = salvage(aside, file, spool);
  log.error({ file, aside, saved, problem: found.problem }, "spool damaged, new one begun");
  // The salvage wrote behind the spool's back: open it again, so that it counts what it has.
  spool.close();
  const reopened = spoolOn(new Sqlite(file), options);
  reopened.addEvent(
    {
      type: "node",
      what: "spool-corrupt",
      at: clock.nowMs(),
      detail: `${found.problem.slice(0, 200)}; ${saved} rows saved; damaged file kept as ${path.basename(aside)}`,
      count: saved,
    },
    options.taken,
  );
  return reopened;
}

/** A disk that refuses the first write must not keep the file open. */
function spoolOn(db: Database, options: SpoolOptions): SqliteSpool {
  try {
    return new SqliteSpool(db, options);
  } catch (error) {
    db.close();
    throw error;
  }
}

type Inspection = { sound: true; db: Database } | { sound: false; problem: string };

/** The format of an existing file; undefined when there is none or it cannot be read. */
export function formatOf(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  let db: Database | undefined;
  try {
    db = new Sqlite(file, { readonly: true });
    return Number(db.pragma("user_version", { simple: true }));
  } catch (error) {
    // Damage is for `openSpool` to find and to mend.
    if (error instanceof Sqlite.SqliteError) return undefined;
    throw error;
  } finally {
    db?.close();
  }
}

function inspect(file: string): Inspection {
  const db = new Sqlite(file);
  try {
    const verdict = String(db.pragma("quick_check(1)", { simple: true }));
    if (verdict !== "ok") throw new Sqlite.SqliteError(verdict, "SQLITE_CORRUPT");
    const version = Number(db.pragma("user_version", { simple: true }));
    if (version > FILE_VERSION)
      throw new Error(
        `${file} was written by a newer version of Plenum (format ${version}, this one knows ${FILE_VERSION})`,
      );
    return { sound: true, db };
  } catch (error) {
    db.close();
    if (error instanceof Sqlite.SqliteError && isDamage(error.code))
      return { sound: false, problem: error.message };
    throw error;
  }
}

const isDamage = (code: string) => code.startsWith("SQLITE_CORRUPT") || code === "SQLITE_NOTADB";

function setAside(file: string, now: number): string {
  const aside = `${file}.damaged-${now}`;
  for (const suffix of ["", "-wal", "-shm"])
    if (existsSync(file + suffix)) renameSync(file + suffix, aside + suffix);
  return aside;
}

interface OldRow {
  seq: number;
  class: number;
  subject: string;
  at: number;
  name: string;
  offset_ms: number | null;
  mono: number;
  synced: number;
  payload: string;
}

/** Copies what can be read, from the front until the damage and from the back down to it. Returns how many rows. */
function salvage(aside: string, file: string, spool: SqliteSpool): number {
  let old: Database;
  try {
    old = new Sqlite(aside, { readonly: true });
  } catch (error) {
    if (error instanceof Sqlite.SqliteError) return 0;
    throw error;
  }
  const target = new Sqlite(file);
  try {
    copyFacts(old, spool);
    const rows = new Map<number, OldRow>();
    collect(old, "ASC", rows);
    collect(old, "DESC", rows);
    const ordered = [...rows.values()].sort((a, b) => a.seq - b.seq);
    target.transaction(() => {
      for (const row of ordered) copyRow(target, row);
    })();
    return ordered.length;
  } finally {
    old.close();
    target.close();
  }
}

function collect(old: Database, order: "ASC" | "DESC", rows: Map<number, OldRow>): void {
  try {
    const all = old.prepare<[], OldRow>(
      `SELECT seq, class, subject, at, name, offset_ms, mono, synced, payload
       FROM rows JOIN boots ON boots.id = rows.boot ORDER BY seq ${order}`,
    );
    for (const row of all.iterate()) {
      if (rows.has(row.seq)) return;
      if (isWhole(row)) rows.set(row.seq, row);
    }
  } catch (error) {
    // The damage itself: what was collected before it is what can be saved.
    if (!(error instanceof Sqlite.SqliteError)) throw error;
  }
}

function isWhole(row: OldRow): boolean {
  try {
    JSON.parse(row.payload);
    return Number.isSafeInteger(row.at) && Number.isSafeInteger(row.mono);
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}

/** Counters must not go back, or the hub would take new events for old ones. */
function copyFacts(old: Database, spool: SqliteSpool): void {
  try {
    const facts = old.prepare<[], { name: string; value: string }>("SELECT name, value FROM facts");
    for (const { name, value } of facts.all())
      if (name !== "epoch" && name !== "thinned") spool.remember(name, value);
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError)) throw error;
  }
}

function copyRow(target: Database, row: OldRow): void {
  target
    .prepare("INSERT OR IGNORE INTO boots (name, offset_ms) VALUES (?, ?)")
    .run(row.name, row.offset_ms);
  target
    .prepare(
      `INSERT INTO rows (class, subject, at, boot, mono, synced, payload)
       SELECT ?, ?, ?, id, ?, ?, ? FROM boots WHERE name = ?`,
    )
    .run(row.class, row.subject, row.at, row.mono, row.synced, row.payload, row.name);
}
