import { SqliteThread } from "./sqlite-thread.ts";

const BUSY_MS = 5_000;

/** It answers in order, each statement prepared once. */
const PROGRAM = `
const db = open({ readonly: true });
const prepared = new Map();
function work({ sql, values }) {
  if (!prepared.has(sql)) prepared.set(sql, db.prepare(sql).raw(true));
  return prepared.get(sql).all(values);
}
`;

type Cell = number | string | null;

/** Questions to a SQLite file, in a thread of their own, so that a long one stops nothing. */
export class SqliteReader {
  readonly #thread: SqliteThread;

  constructor(path: string) {
    this.#thread = new SqliteThread({ path, busyMs: BUSY_MS, program: PROGRAM });
  }

  /** Rows as arrays. Rejects when the thread cannot read, has died, or is asked too much at once. */
  async all(sql: string, values: Record<string, number | string>): Promise<Cell[][]> {
    return (await this.#thread.do({ sql, values })) as Cell[][];
  }

  close(): Promise<void> {
    return this.#thread.abandon();
  }
}
