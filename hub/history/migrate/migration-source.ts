import Database from "better-sqlite3";
import type { EpochMs } from "../../../contract/clock.ts";
import type { Reading } from "../../../contract/reading.ts";
import type { Aggregate, Tier } from "../aggregate.ts";
import { rollupTable } from "../sqlite-queries.ts";
import type { StoredReading } from "../store.ts";

/** Node of points whose node nobody remembers. */
const UNKNOWN_NODE = "unknown";

export interface SourcePoint {
  id: number;
  name: string;
}
export type SourceRow =
  | { tier: "raw"; at: EpochMs; reading: StoredReading }
  | { tier: "5m" | "1h"; at: EpochMs; rollup: { point: string; aggregate: Aggregate } };

type RawRow = [at: number, value: number | null, quality: string, reason: string];
type RollupRow = [at: number, low: number, high: number, sum: number, good: number, rows: number];

/** The embedded history, read only, point by point in order of time. */
export class MigrationSource {
  readonly #db: Database.Database;
  readonly #nodes: ReadonlyMap<string, string>;
  readonly #select;

  /** `nodes`: which node each point belongs to; InfluxDB keeps it with every reading, SQLite does not. */
  constructor(path: string, nodes: ReadonlyMap<string, string>) {
    this.#db = new Database(path, { readonly: true, fileMustExist: true });
    this.#nodes = nodes;
    const rollup = (tier: "5m" | "1h") =>
      this.#db
        .prepare<[number, number, number], RollupRow>(
          `SELECT at, low, high, sum, good, rows FROM ${rollupTable(tier)}
           WHERE point = ? AND at >= ? ORDER BY at LIMIT ?`,
        )
        .raw(true);
    this.#select = {
      raw: this.#db
        .prepare<[number, number, number], RawRow>(
          `SELECT at, value, quality, reason FROM reading JOIN mark ON mark.id = reading.mark
           WHERE point = ? AND at >= ? ORDER BY at LIMIT ?`,
        )
        .raw(true),
      "5m": rollup("5m"),
      "1h": rollup("1h"),
    };
  }

  points(): SourcePoint[] {
    return this.#db.prepare<[], SourcePoint>("SELECT id, name FROM point ORDER BY id").all();
  }

  /** When the newest row of a point was taken; undefined when it has none. */
  lastAt(tier: Tier, { id }: SourcePoint): EpochMs | undefined {
    const table = tier === "raw" ? "reading" : rollupTable(tier);
    const last = this.#db
      .prepare<[number], number | null>(`SELECT max(at) FROM ${table} WHERE point = ?`)
      .pluck()
      .get(id);
    return last ?? undefined;
  }

  /** At most `limit` rows of a point, the first not before `fromMs`. */
  rows(tier: Tier, point: SourcePoint, { fromMs, limit }: { fromMs: EpochMs; limit: number }) {
    if (tier === "raw")
      return this.#select.raw.all(point.id, fromMs, limit).map((row) => this.#raw(point, row));
    return this.#select[tier].all(point.id, fromMs, limit).map((row): SourceRow => {
      const [at, low, high, sum, good, rows] = row;
      return {
        tier,
        at,
        rollup: { point: point.name, aggregate: { at, low, high, sum, good, rows } },
      };
    });
  }

  close(): void {
    this.#db.close();
  }

  #raw({ name }: SourcePoint, [at, value, quality, reason]: RawRow): SourceRow {
    const node = this.#nodes.get(name) ?? UNKNOWN_NODE;
    return {
      tier: "raw",
      at,
      reading: { node, reading: reading(name, at, value, quality, reason) },
    };
  }
}

function reading(
  point: string,
  at: EpochMs,
  value: number | null,
  ...[quality, reason]: [string, string]
): Reading {
  if (value === null) return { point, at, quality: "bad", reason: reason as never };
  if (quality === "good") return { point, at, quality, value };
  return { point, at, quality: "uncertain", value, reason: reason as never };
}
