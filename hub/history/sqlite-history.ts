import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { Bucket } from "../../contract/api.ts";
import {
  checkHistoryQuery,
  type HistoryQuery,
  type HistoryStore,
  type StoredReading,
  StoreError,
  type Totals,
} from "./store.ts";

/**
 * One row per reading, keyed by point and time, so that a point's history lies together on disk. Names
 * and reasons stand once, in their own tables. Mark 0 is a good value; it takes no byte in a row.
 */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS point (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE IF NOT EXISTS mark (
    id INTEGER PRIMARY KEY, quality TEXT NOT NULL, reason TEXT NOT NULL, UNIQUE (quality, reason)
  ) STRICT;
  INSERT OR IGNORE INTO mark VALUES (0, 'good', '');
  CREATE TABLE IF NOT EXISTS reading (
    point INTEGER NOT NULL, at INTEGER NOT NULL, value REAL, mark INTEGER NOT NULL,
    PRIMARY KEY (point, at)
  ) STRICT, WITHOUT ROWID;
`;
const SCHEMA_VERSION = 1;

// better-sqlite3 binds numbers above 2^31 as floats; without the cast the division would not be whole.
const BUCKETS = `
  SELECT at / CAST(@stepMs AS INTEGER) * CAST(@stepMs AS INTEGER) AS at,
    min(value) AS min, max(value) AS max, avg(value) AS mean, count(*) AS count
  FROM reading
  WHERE point = (SELECT id FROM point WHERE name = @point)
    AND at >= @fromMs AND at < @toMs AND mark = 0
  GROUP BY 1 ORDER BY 1`;
const TOTALS = `
  SELECT count(*) AS rows, count(*) FILTER (WHERE mark = 0) AS good,
    total(value) FILTER (WHERE mark = 0) AS sum, min(at) AS firstAt, max(at) AS lastAt
  FROM reading
  WHERE point = (SELECT id FROM point WHERE name = @point) AND at >= @fromMs AND at < @toMs`;

export interface SqliteHistoryOptions {
  /** The database's own file; made when it is not there. */
  path: string;
  log: Logger;
  /** How long a write waits for another process, such as a backup, that holds the file. */
  busyMs?: number;
}

/** History in one SQLite file: the default, for sites without InfluxDB. */
export function openSqliteHistory({
  path,
  log,
  busyMs = 2_000,
}: SqliteHistoryOptions): HistoryStore {
  const db = new Database(path, { timeout: busyMs });
  prepare(db, path);
  log.info({ path }, "history open");
  const insertReading = db.prepare<[number, number, number | null, number]>(
    "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)",
  );
  const pointIds = new Dictionary(db, "point", ["name"]);
  const markIds = new Dictionary(db, "mark", ["quality", "reason"]);
  const insertAll = db.transaction((readings: readonly StoredReading[]) => {
    for (const { reading } of readings) {
      const value = reading.quality === "bad" ? null : reading.value;
      const mark = reading.quality === "good" ? 0 : markIds.idOf(reading.quality, reading.reason);
      insertReading.run(pointIds.idOf(reading.point), reading.at, value, mark);
    }
  });
  const buckets = db.prepare<[HistoryQuery], Bucket>(BUCKETS);
  const totals = db.prepare<[{ point: string; fromMs: number; toMs: number }], Totals>(TOTALS);

  return {
    kind: "sqlite",
    async write(readings) {
      try {
        insertAll(readings);
      } catch (error) {
        // What the transaction had added to the dictionaries went with it.
        pointIds.forget();
        markIds.forget();
        if (error instanceof Database.SqliteError)
          throw new StoreError("retry", `${path}: ${error.message} (${error.code})`);
        throw error;
      }
    },
    async history(query) {
      checkHistoryQuery(query);
      return buckets.all(query);
    },
    async totals(query) {
      const found = totals.get(query);
      if (!found) throw new Error("a count always gives one row");
      return found;
    },
    async close() {
      db.close();
    },
  };
}

function prepare(db: Database.Database, path: string): void {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("journal_size_limit = 67108864");
  const version = db.pragma("user_version", { simple: true }) as number;
  if (version > SCHEMA_VERSION) {
    db.close();
    throw new Error(
      `${path} was written by a newer Plenum (schema ${version}, this one knows ${SCHEMA_VERSION}): install that version again`,
    );
  }
  db.exec(SCHEMA);
  db.pragma(`user_version = ${SCHEMA_VERSION}`);
}

/** Gives texts a small number that stands for them in the big table. Bounded by the points and reasons there are. */
class Dictionary {
  readonly #ids = new Map<string, number>();
  readonly #insert: Database.Statement<string[]>;
  readonly #select: Database.Statement<string[], { id: number }>;

  constructor(db: Database.Database, table: "point" | "mark", columns: string[]) {
    const holes = columns.map(() => "?").join(", ");
    const match = columns.map((column) => `${column} = ?`).join(" AND ");
    this.#insert = db.prepare(
      `INSERT OR IGNORE INTO ${table} (${columns.join(", ")}) VALUES (${holes})`,
    );
    this.#select = db.prepare(`SELECT id FROM ${table} WHERE ${match}`);
  }

  idOf(...texts: [string] | [string, string]): number {
    const key = texts.length === 1 ? texts[0] : `${texts[0]} ${texts[1]}`;
    const held = this.#ids.get(key);
    if (held !== undefined) return held;
    this.#insert.run(...texts);
    const found = this.#select.get(...texts);
    if (!found) throw new Error(`no id for ${key}`);
    this.#ids.set(key, found.id);
    return found.id;
  }

  forget(): void {
    this.#ids.clear();
  }
}
