import { existsSync, rmSync } from "node:fs";
import Sqlite, { type Database } from "better-sqlite3";
import type { Batch } from "./spool.ts";
import { SELECT_ROWS, type StoredRow, spoolRow, toBatch } from "./tables.ts";

export interface OldSpoolOptions {
  path: string;
  bootId: string;
  /** Rows up to this one have been stored by the hub already. */
  drainedUpto: number;
  /** Removes the file once it is empty. Never for a file that another version owns. */
  removeWhenEmpty: boolean;
}

/**
 * A spool file that is only read, never written: one of a newer version of the program, one on a disk
 * that refuses, or one left behind by an earlier version. Its rows are sent before any new ones. What is
 * acknowledged is kept in memory, so after a restart some rows are sent once more, which is harmless.
 */
export class OldSpool {
  readonly epoch: string;
  readonly last: number;
  readonly #db: Database;
  readonly #options: OldSpoolOptions;
  readonly #boot: number | undefined;
  #offsetMs: number | null = null;
  #floor: number;

  /** Throws a SqliteError when the file cannot be understood. */
  constructor(options: OldSpoolOptions) {
    this.#options = options;
    this.#db = new Sqlite(options.path, { readonly: true });
    this.epoch = this.#fact("epoch") ?? "";
    if (this.epoch === "") throw new Sqlite.SqliteError("no epoch in it", "SQLITE_CORRUPT");
    this.last = this.#number("SELECT max(seq) AS n FROM rows");
    this.#boot = this.#db
      .prepare<[string], { id: number }>("SELECT id FROM boots WHERE name = ?")
      .get(options.bootId)?.id;
    this.#floor = this.#lowest(options.drainedUpto + 1);
    // Shows here, not in the middle of the work, that the columns are the ones known.
    this.batch(this.#floor, 1);
  }

  get floor(): number {
    return this.#floor;
  }

  get backlog(): number {
    return this.#number("SELECT count(*) AS n FROM rows WHERE seq >= ?", this.#floor);
  }

  /** What the file remembers besides rows: counters, door states, standing alarms. */
  facts(): { name: string; value: string }[] {
    return this.#db
      .prepare<[], { name: string; value: string }>("SELECT name, value FROM facts")
      .all();
  }

  batch(from: number, maxRows: number): Batch | undefined {
    const first = Math.max(from, this.#floor);
    const stored = this.#db
      .prepare<[number, number], StoredRow>(`${SELECT_ROWS} WHERE seq >= ? ORDER BY seq LIMIT ?`)
      .all(first, maxRows);
    return toBatch(first, stored, (row) => {
      const { offsetMs, ...read } = spoolRow(row, this.#boot);
      return { ...read, offsetMs: offsetMs ?? (read.thisBoot ? this.#offsetMs : null) };
    });
  }

  ack(epoch: string, upto: number): boolean {
    if (epoch !== this.epoch || upto > this.last) return false;
    if (upto >= this.#floor) this.#floor = this.#lowest(upto + 1);
    return true;
  }

  setOffset(offsetMs: number): void {
    this.#offsetMs ??= Math.round(offsetMs);
  }

  close(): void {
    const { path, removeWhenEmpty } = this.#options;
    const empty = this.#db.open && this.#floor > this.last;
    this.#db.close();
    if (!empty || !removeWhenEmpty) return;
    for (const suffix of ["", "-wal", "-shm"]) if (existsSync(path + suffix)) rmSync(path + suffix);
  }

  #lowest(from: number): number {
    return this.#number("SELECT min(seq) AS n FROM rows WHERE seq >= ?", from) || this.last + 1;
  }

  #number(sql: string, ...parameters: number[]): number {
    return this.#db.prepare<number[], { n: number | null }>(sql).get(...parameters)?.n ?? 0;
  }

  #fact(name: string): string | undefined {
    return this.#db
      .prepare<[string], { value: string }>("SELECT value FROM facts WHERE name = ?")
      .get(name)?.value;
  }
}
