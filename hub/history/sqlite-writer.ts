import type { Reading } from "../../contract/reading.ts";
import type { Tier } from "./aggregate.ts";
import { CONNECTION, dropSql, rollupTable } from "./sqlite-queries.ts";
import { SqliteThread } from "./sqlite-thread.ts";
import type { Rollup, StoredReading } from "./store.ts";

/** Points and reasons known by number, here and in the thread; beyond it both begin anew. */
const MAX_SLOTS = 200_000;
const READING_CELLS = 4;
const ROLLUP_CELLS = 7;
const NO_VALUE = Number.NaN;

/**
 * Rows come as numbers only. A text goes over once and stands in them as its place in the list of all
 * texts; `ids` holds what the database calls it, and is forgotten when a transaction that may have added
 * it is undone. One row a statement: one of many rows keeps a journal of its own, which costs more than
 * it saves.
 */
const PROGRAM = `
const db = open();
for (const pragma of more.connection) db.pragma(pragma);
const texts = [];
let ids = [];
const points = {
  add: db.prepare("INSERT OR IGNORE INTO point (name) VALUES (?)"),
  find: db.prepare("SELECT id FROM point WHERE name = ?").pluck(),
};
const marks = {
  add: db.prepare("INSERT OR IGNORE INTO mark (quality, reason) VALUES (?, ?)"),
  find: db.prepare("SELECT id FROM mark WHERE quality = ? AND reason = ?").pluck(),
};
const statements = new Map();
function prepared(sql) {
  if (!statements.has(sql)) statements.set(sql, db.prepare(sql));
  return statements.get(sql);
}
function idOf(slot) {
  const held = ids[slot];
  if (held !== undefined) return held;
  const words = texts[slot];
  const { add, find } = words.length === 1 ? points : marks;
  add.run(...words);
  ids[slot] = find.get(...words);
  return ids[slot];
}
const readings = db.transaction((cells) => {
  const insert = prepared("INSERT OR REPLACE INTO reading VALUES (?, ?, ?, ?)");
  for (let i = 0; i < cells.length; i += 4) {
    const value = cells[i + 2];
    const mark = cells[i + 3];
    insert.run(idOf(cells[i]), cells[i + 1], value !== value ? null : value, mark < 0 ? 0 : idOf(mark));
  }
});
const rollups = db.transaction((cells, table) => {
  const insert = prepared("INSERT OR REPLACE INTO " + table + " VALUES (?, ?, ?, ?, ?, ?, ?)");
  for (let i = 0; i < cells.length; i += 7)
    insert.run(idOf(cells[i]), ...cells.subarray(i + 1, i + 7));
});
function work({ kind, anew, fresh, cells, table, sql, values }) {
  if (kind === "points") return prepared("SELECT id FROM point").pluck().all();
  if (kind === "drop") return prepared(sql).run(values).changes;
  if (anew) {
    texts.length = 0;
    ids = [];
  }
  for (const words of fresh) texts.push(words);
  try {
    if (kind === "readings") readings.immediate(cells);
    else rollups.immediate(cells, table);
  } catch (error) {
    ids = [];
    throw error;
  }
  return null;
}
`;

type Words = [point: string] | [quality: string, reason: string];

/** Everything that changes the history's file, in a thread of its own: a commit waits for the disk. */
export class SqliteWriter {
  readonly #thread: SqliteThread;
  readonly #slots = new Map<string, number>();
  #fresh: Words[] = [];
  #anew = false;

  constructor(path: string, busyMs: number) {
    this.#thread = new SqliteThread({
      ...{ path, busyMs, program: PROGRAM, more: { connection: CONNECTION } },
      onLost: () => this.#forget(),
    });
  }

  async readings(readings: readonly StoredReading[]): Promise<void> {
    const cells = new Float64Array(readings.length * READING_CELLS);
    this.#begin();
    let i = 0;
    for (const { reading } of readings) {
      cells[i] = this.#pointSlot(reading.point);
      cells[i + 1] = reading.at;
      cells[i + 2] = reading.quality === "bad" ? NO_VALUE : reading.value;
      cells[i + 3] = reading.quality === "good" ? -1 : this.#markSlot(reading);
      i += READING_CELLS;
    }
    await this.#insert("readings", cells);
  }

  async rollups(tier: Exclude<Tier, "raw">, rollups: readonly Rollup[]): Promise<void> {
    const cells = new Float64Array(rollups.length * ROLLUP_CELLS);
    this.#begin();
    for (const [index, { point, aggregate }] of rollups.entries()) {
      const { at, low, high, sum, good, rows } = aggregate;
      cells.set([this.#pointSlot(point), at, low, high, sum, good, rows], index * ROLLUP_CELLS);
    }
    await this.#insert("rollups", cells, rollupTable(tier));
  }

  /** The database's numbers of all points. */
  async pointIds(): Promise<number[]> {
    return (await this.#thread.do({ kind: "points" })) as number[];
  }

  /** Deletes the oldest stretch of a point; returns how many rows that were. */
  async drop(
    table: string,
    values: { point: number; beforeMs: number; stretchMs: number },
  ): Promise<number> {
    return (await this.#thread.do({ kind: "drop", sql: dropSql(table), values })) as number;
  }

  /** What was given to it is written before this resolves. */
  close(): Promise<void> {
    return this.#thread.finish();
  }

  async #insert(kind: string, cells: Float64Array<ArrayBuffer>, table?: string): Promise<void> {
    const anew = this.#anew;
    const fresh = this.#fresh;
    this.#anew = false;
    this.#fresh = [];
    try {
      await this.#thread.do({ kind, anew, fresh, cells, table }, [cells.buffer]);
    } catch (error) {
      // It may not have heard of the fresh texts.
      this.#forget();
      throw error;
    }
  }

  /** Only between two jobs: the numbers in one must not change their meaning. */
  #begin(): void {
    if (this.#slots.size >= MAX_SLOTS) this.#forget();
  }

  #forget(): void {
    this.#slots.clear();
    this.#fresh = [];
    this.#anew = true;
  }

  #pointSlot(point: string): number {
    return this.#slots.get(point) ?? this.#newSlot(point, [point]);
  }

  #markSlot({ quality, reason }: Exclude<Reading, { quality: "good" }>): number {
    const key = `${quality} ${reason}`;
    return this.#slots.get(key) ?? this.#newSlot(key, [quality, reason]);
  }

  #newSlot(key: string, words: Words): number {
    const slot = this.#slots.size;
    this.#slots.set(key, slot);
    this.#fresh.push(words);
    return slot;
  }
}
