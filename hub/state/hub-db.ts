import { chmodSync, mkdirSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";

export type HubDb = Database.Database;

/** Format of hub.db. Tables are only ever added to; raise this when an older program must not write. */
export const HUB_DB_VERSION = 1;

/** hub.db cannot be used. The message says which file and what to do. */
export class HubDbError extends Error {
  override name = "HubDbError";
}

/**
 * Opens the hub's own database, creating file and folder. A commit is on disk when it returns
 * (WAL, synchronous=FULL). Throws HubDbError when the file is not ours or comes from a newer Plenum.
 */
export function openHubDb(file: string): HubDb {
  const inMemory = file === ":memory:";
  if (!inMemory) mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const db = new Database(file);
  try {
    prepare(db, file);
    if (!inMemory) chmodSync(file, 0o600);
    return db;
  } catch (error) {
    db.close();
    if (error instanceof Database.SqliteError && error.code === "SQLITE_NOTADB")
      throw new HubDbError(`${file} is not a database. Move it away, or restore it from a backup.`);
    throw error;
  }
}

function prepare(db: HubDb, file: string): void {
  db.pragma("busy_timeout = 5000");
  const version = Number(db.pragma("user_version", { simple: true }));
  if (version > HUB_DB_VERSION)
    throw new HubDbError(
      `${file} was written by a newer Plenum (format ${version}, this program knows ` +
        `${HUB_DB_VERSION}). Install that version again, or restore a backup made before it.`,
    );
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("foreign_keys = ON");
  if (version < HUB_DB_VERSION) db.pragma(`user_version = ${HUB_DB_VERSION}`);
}

/** True for faults of the disk or of another process holding the file: the same work may succeed later. */
export function isStorageFault(error: unknown): boolean {
  return (
    error instanceof Database.SqliteError &&
    /^SQLITE_(FULL|IOERR|BUSY|LOCKED|READONLY|CANTOPEN|NOMEM)/.test(error.code)
  );
}
