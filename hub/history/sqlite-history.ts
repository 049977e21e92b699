import Database from "better-sqlite3";
import { type Clock, type EpochMs, systemClock } from "../../contract/clock.ts";
import { type Aggregate, HOUR_MS, TIER_KEPT_MS, type Tier } from "./aggregate.ts";
import { aggregateSql, CONNECTION, HOLES, rollupTable, SCHEMA, TOTALS } from "./sqlite-queries.ts";
import { SqliteReader } from "./sqlite-reader.ts";
import { ThreadError } from "./sqlite-thread.ts";
import { SqliteWriter } from "./sqlite-writer.ts";
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
/** A commit writes a page of each point in it: the more rows of a point share one, the better. */
const ROWS_AT_ONCE = 20_000;
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
  readonly rowsAtOnce = ROWS_AT_ONCE;
  readonly #path: string;
  readonly #clock: Clock;
  readonly #reader: SqliteReader;
  readonly #writer: SqliteWriter;

  constructor({ path, log, clock = systemClock, busyMs = 2_000 }: SqliteHistoryOptions) {
    this.#path = path;
    this.#clock = clock;
    prepare(path, busyMs);
    this.#reader = new SqliteReader(path);
    this.#writer = new SqliteWriter(path, busyMs);
    log.info({ path }, "history open");
  }

  async write(readings: readonly StoredReading[]): Promise<void> {
    await this.#asked(this.#writer.readings(readings));
  }

  async aggregate(query: AggregateQuery): Promise<Map<string, Aggregate[]>> {
    checkAggregateQuery(query);
    const { tier, fromMs, toMs, stepMs } = query;
    const found = new Map<string, Aggregate[]>();
    for (const points of pointGroups(query)) {
      const values = { points: JSON.stringify(points), fromMs, toMs, stepMs };
      for (const row of await this.#asked(this.#reader.all(aggregateSql(tier), values))) {
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
    await this.#asked(this.#writer.rollups(tier, rollups));
  }

  async holes({ point, fromMs, toMs, longerThanMs, limit }: GapQuery): Promise<Hole[]> {
    const rows = await this.#asked(
      this.#reader.all(HOLES, { point, fromMs, toMs, longerThanMs, limit }),
    );
    return rows.map(([from, to]) => ({ from: Number(from), to: Number(to) }));
  }

  async totals(query: { point: string; fromMs: EpochMs; toMs: EpochMs }): Promise<Totals> {
    const [row] = await this.#asked(this.#reader.all(TOTALS, query));
    const [rows, good, sum, firstAt, lastAt] = row as [number, number, number, ...Aged];
    return { rows, good, sum, firstAt, lastAt };
  }

  async dropOld(now: EpochMs, signal: AbortSignal): Promise<void> {
    const tiers = [
      ["raw", "reading", HOUR_MS],
      ["5m", rollupTable("5m"), FIVE_MIN_STRETCH_MS],
    ] as const;
    const points = await this.#asked(this.#writer.pointIds());
    for (const [tier, table, stretchMs] of tiers) {
      const beforeMs = now - TIER_KEPT_MS[tier];
      for (const point of points) {
        let dropped = 1;
        while (dropped > 0 && !signal.aborted) {
          dropped = await this.#asked(this.#writer.drop(table, { point, beforeMs, stretchMs }));
          if (dropped > 0) await this.#clock.sleep(DROP_PAUSE_MS, signal);
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#reader.close();
    await this.#writer.close();
  }

  async #asked<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (!(error instanceof ThreadError)) throw error;
      throw new StoreError("retry", `${this.#path}: ${error.message}`);
    }
  }
}

type Aged = [firstAt: EpochMs | null, lastAt: EpochMs | null];

function prepare(path: string, busyMs: number): void {
  const db = new Database(path, { timeout: busyMs });
  try {
    db.pragma("journal_mode = WAL");
    for (const pragma of CONNECTION) db.pragma(pragma);
    const version = db.pragma("user_version", { simple: true }) as number;
    if (version > SCHEMA_VERSION)
      throw new Error(
        `${path} was written by a newer Plenum (schema ${version}, this one knows ${SCHEMA_VERSION}): install that version again`,
      );
    db.exec(SCHEMA);
    db.pragma(`user_version = ${SCHEMA_VERSION}`);
  } finally {
    db.close();
  }
}
