import Database from "better-sqlite3";
import { type Clock, type EpochMs, systemClock } from "../../contract/clock.ts";
import { type Aggregate, HOUR_MS, TIER_KEPT_MS, type Tier } from "./aggregate.ts";
import { aggregateSql, dropSql, HOLES, rollupTable, SCHEMA, TOTALS } from "./sqlite-queries.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import {
  type AggregateQuery,
  checkAggregateQuery,
  type GapQuery,
  type HistoryStore,
  type Hole,
  pointGroups,
  type Rollup,
  type StoreDeps,
  type StoredReading,
  StoreError,
  type Totals,
} from "./store.ts";

/** 2: rollups. An older program would not keep them right. */
const SCHEMA_VERSION = 2;
/** Pages that writes have touched after which the log is moved into the file: 64 MB at the most. */
const CHECKPOINT_PAGES = 16_000;
/** Between two small deletions others get their turn. */
const DROP_PAUSE_MS = 20;
const FIVE_MIN_STRETCH_MS = 240 * HOUR_MS;

export interface SqliteHistoryOptions extends StoreDeps {
  /** The database's own file; made when it is not there. */
  path: string;
  /** How long a write waits for another process, such as a backup, that holds the file. */
  busyMs?: number;
}

/** History in one SQLite file: the default, for sites without InfluxDB. */
export function openSqliteHistory(options: SqliteHistoryOptions): HistoryStore {
  return new SqliteHistory(options);
}

class SqliteHistory implements HistoryStore {
  readonly kind = "sqlite";
  readonly #path: string;
  readonly #clock: Clock;
  readonly #db: Database.Database;
  readonly #reader: SqliteReader;
  readonly #pointIds: Dictionary;
  readonly #markIds: Dictionary;
  #pagesSinceCheckpoint = 0;
  #checkpointing = false;
  readonly #insertAll: (readings: readonly StoredReading[]) => void;

  constructor({ path, log, clock = systemClock, busyMs = 2_000 }: SqliteHistoryOptions) {
    this.#path = path;
    this.#clock = clock;
    const db = new Database(path, { timeout: busyMs });
    prepare(db, path);
    this.#db = db;
    this.#reader = new SqliteReader(path);
    const pointIds = new Dictionary(db, "point", ["name"]);
    const markIds = new Dictionary(db, "mark", ["quality", "reason"]);
    // One row a statement: one of many rows keeps a journal of its own, which costs more than it saves.
    const insert = db.prepare<[number, number, number | null, number]>(
      "INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)",
    );
    this.#insertAll = db.transaction((readings: readonly StoredReading[]) => {
      for (const { reading } of readings) {
        const value = reading.quality === "bad" ? null : reading.value;
        const mark = reading.quality === "good" ? 0 : markIds.idOf(reading.quality, reading.reason);
        insert.run(pointIds.idOf(reading.point), reading.at, value, mark);
      }
    });
    this.#pointIds = pointIds;
    this.#markIds = markIds;
    log.info({ path }, "history open");
  }

  async write(readings: readonly StoredReading[]): Promise<void> {
    this.#changing(() => this.#insertAll(readings));
    // Rows of one point lie together, so a write touches no more pages than there are points.
    this.#pagesSinceCheckpoint += Math.min(readings.length, this.#pointIds.size);
    if (this.#pagesSinceCheckpoint >= CHECKPOINT_PAGES) this.#checkpoint();
  }

  async aggregate(query: AggregateQuery): Promise<Map<string, Aggregate[]>> {
    checkAggregateQuery(query);
    const { tier, fromMs, toMs, stepMs } = query;
    const found = new Map<string, Aggregate[]>();
    for (const points of pointGroups(query)) {
      const values = { points: JSON.stringify(points), fromMs, toMs, stepMs };
      for (const row of await this.#ask(aggregateSql(tier), values)) {
        const [point, , at, low, high, sum, good, rows] = row as [string, ...number[]];
        const aggregate = { at, low, high, sum, good, rows } as Aggregate;
        const held = found.get(point);
        if (held) held.push(aggregate);
        else found.set(point, [aggregate]);
      }
    }
    return found;
  }

  async saveRollups(tier: Exclude<Tier, "raw">, rollups: readonly Rollup[]): Promise<void> {
    const insert = this.#db.prepare<number[]>(
      `INSERT OR REPLACE INTO ${rollupTable(tier)} VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    const insertAll = this.#db.transaction(() => {
      for (const { point, aggregate } of rollups) {
        const { at, low, high, sum, good, rows } = aggregate;
        insert.run(this.#pointIds.idOf(point), at, low, high, sum, good, rows);
      }
    });
    this.#changing(insertAll);
  }

  async holes({ point, fromMs, toMs, longerThanMs, limit }: GapQuery): Promise<Hole[]> {
    const rows = await this.#ask(HOLES, { point, fromMs, toMs, longerThanMs, limit });
    return rows.map(([from, to]) => ({ from: Number(from), to: Number(to) }));
  }

  async totals(query: { point: string; fromMs: EpochMs; toMs: EpochMs }): Promise<Totals> {
    const [row] = await this.#ask(TOTALS, query);
    const [rows, good, sum, firstAt, lastAt] = row as [number, number, number, ...Aged];
    return { rows, good, sum, firstAt, lastAt };
  }

  async dropOld(now: EpochMs, signal: AbortSignal): Promise<void> {
    const tiers = [
      ["raw", "reading", HOUR_MS],
      ["5m", rollupTable("5m"), FIVE_MIN_STRETCH_MS],
    ] as const;
    const ids = this.#db.prepare<[], number>("SELECT id FROM point").pluck().all();
    for (const [tier, table, stretchMs] of tiers) {
      const drop = this.#db.prepare(dropSql(table));
      const beforeMs = now - TIER_KEPT_MS[tier];
      for (const point of ids) {
        let dropped = 1;
        while (dropped > 0 && !signal.aborted) {
          this.#changing(() => {
            dropped = drop.run({ point, beforeMs, stretchMs }).changes;
          });
          if (dropped > 0) await this.#clock.sleep(DROP_PAUSE_MS, signal);
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
    this.#db.close();
  }

  #changing(work: () => void): void {
    try {
      work();
    } catch (error) {
      // What the transaction had added to the dictionaries went with it.
      this.#pointIds.forget();
      this.#markIds.forget();
      if (error instanceof Database.SqliteError)
        throw new StoreError("retry", `${this.#path}: ${error.message} (${error.code})`);
      throw error;
    }
  }

  /** One at a time; a failure shows at the next write, because SQLite then does it there. */
  #checkpoint(): void {
    if (this.#checkpointing) return;
    this.#checkpointing = true;
    this.#pagesSinceCheckpoint = 0;
    const over = () => {
      this.#checkpointing = false;
    };
    this.#reader.checkpoint().then(over, over);
  }

  async #ask(sql: string, values: Record<string, number | string>) {
    try {
      return await this.#reader.all(sql, values);
    } catch (error) {
      throw new StoreError("retry", `${this.#path}: ${(error as Error).message}`);
    }
  }
}

type Aged = [firstAt: EpochMs | null, lastAt: EpochMs | null];

function prepare(db: Database.Database, path: string): void {
  db.pragma("journal_mode = WAL");
  db.pragma("synchronous = FULL");
  db.pragma("journal_size_limit = 67108864");
  // Readings of one round go to a page per point. Moving these pages into the file after every round
  // costs more than all else, so the reader's thread does it now and then; this is for when it cannot.
  db.pragma("wal_autocheckpoint = 65536");
  db.pragma("cache_size = -32768");
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

  get size(): number {
    return this.#ids.size;
  }

  forget(): void {
    this.#ids.clear();
  }
}
