import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

/** Questions that may wait; a further one is refused. */
const MAX_WAITING = 200;
const require = createRequire(import.meta.url);

/**
 * The reader's own code is text, so that it is the same thread whether the hub runs from its sources or
 * compiled. It answers in order, each statement prepared once.
 */
const PROGRAM = `
const { parentPort, workerData } = require("node:worker_threads");
const Database = require(workerData.driver);
const db = new Database(workerData.path, { readonly: true, timeout: 5000 });
const log = new Database(workerData.path, { timeout: 5000 });
const prepared = new Map();
parentPort.on("message", ({ id, sql, values }) => {
  try {
    if (!sql) {
      log.pragma("wal_checkpoint(PASSIVE)");
      parentPort.postMessage({ id, rows: [] });
      return;
    }
    if (!prepared.has(sql)) prepared.set(sql, db.prepare(sql).raw(true));
    parentPort.postMessage({ id, rows: prepared.get(sql).all(values) });
  } catch (error) {
    parentPort.postMessage({ id, error: error.message });
  }
});
`;

type Cell = number | string | null;
interface Answer {
  id: number;
  rows?: Cell[][];
  error?: string;
}
interface Waiting {
  resolve(rows: Cell[][]): void;
  reject(error: Error): void;
}

/** A second connection to a SQLite file in a thread of its own, so that a long question stops nothing. */
export class SqliteReader {
  readonly #path: string;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;
  #closed = false;

  constructor(path: string) {
    this.#path = path;
  }

  /** Rows as arrays. An empty statement does a checkpoint. Rejects when the thread cannot read, has died, or is asked too much at once. */
  all(sql: string, values: Record<string, number | string>): Promise<Cell[][]> {
    if (this.#closed) return Promise.reject(new Error("the history is closed"));
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new Error("too many questions to the history at once"));
    const worker = this.#start();
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // A program that waits for an answer and nothing else must not end before it.
      worker.ref();
      worker.postMessage({ id, sql, values });
    });
  }

  /** Moves what the write-ahead log holds into the file, without stopping those who write. */
  async checkpoint(): Promise<void> {
    await this.all("", {});
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
    this.#fail(new Error("the history is closed"));
  }

  /** The thread starts with the first question, and anew after it has died. */
  #start(): Worker {
    if (this.#worker) return this.#worker;
    const driver = require.resolve("better-sqlite3");
    const worker = new Worker(PROGRAM, { eval: true, workerData: { path: this.#path, driver } });
    worker.on("message", ({ id, rows, error }: Answer) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (this.#waiting.size === 0) worker.unref();
      if (rows) waiting?.resolve(rows);
      else waiting?.reject(new Error(error));
    });
    worker.on("error", (error) => this.#lost(worker, error));
    worker.on("exit", () => this.#lost(worker, new Error("the history's reader has ended")));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #lost(worker: Worker, error: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#fail(error);
  }

  #fail(error: Error): void {
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(error);
  }
}
