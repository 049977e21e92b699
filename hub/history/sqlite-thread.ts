import { createRequire } from "node:module";
import { Worker } from "node:worker_threads";

/** Jobs that may wait; a further one is refused. */
const MAX_WAITING = 200;
const require = createRequire(import.meta.url);

/** What a thread answers: `code` is set when it was the database that failed. */
export interface ThreadAnswer {
  id: number;
  result?: unknown;
  error?: string;
  code?: string;
}

/** The database could not do a job; the same job may succeed later. */
export class ThreadError extends Error {}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

export interface ThreadOptions {
  path: string;
  /** How long it waits for another process or thread that holds the file. */
  busyMs: number;
  /**
   * Code as text, so that it is the same thread whether the hub runs from its sources or compiled. It
   * defines `work(job)`, and finds `Database` and `path`, `busyMs` and `more` of these options.
   */
  program: string;
  more?: Record<string, unknown>;
  /** The thread has died; what it knew is lost. */
  onLost?: () => void;
}

const FRAME = `
const { parentPort, workerData } = require("node:worker_threads");
const Database = require(workerData.driver);
const { path, busyMs, more } = workerData;
const opened = [];
const open = (options = {}) => {
  const db = new Database(path, { timeout: busyMs, ...options });
  opened.push(db);
  return db;
};
parentPort.on("message", ({ id, job }) => {
  try {
    if (job === null) for (const db of opened.splice(0)) db.close();
    parentPort.postMessage({ id, result: job === null ? null : work(job) });
  } catch (error) {
    parentPort.postMessage({ id, error: error.message, code: error.code });
  }
});
`;

/** A thread with connections of its own to a SQLite file: it does one job after another and stops nothing else. */
export class SqliteThread {
  readonly #options: ThreadOptions;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | undefined;
  #next = 0;
  #closed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  /** Rejects with ThreadError when the database fails, the thread has died, or too much is asked at once. */
  do(job: unknown, transfer: ArrayBuffer[] = []): Promise<unknown> {
    if (this.#closed) return Promise.reject(new ThreadError("the history is closed"));
    if (this.#waiting.size >= MAX_WAITING)
      return Promise.reject(new ThreadError("too much is asked of the history at once"));
    return this.#post(job, transfer);
  }

  /** Lets it finish what it was given, then closes its connections and ends it. */
  async finish(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#worker) await this.#post(null, []).catch(() => undefined);
    await this.#worker?.terminate();
  }

  /** Ends it after the job in hand; the others are rejected. */
  async abandon(): Promise<void> {
    this.#closed = true;
    await this.#worker?.terminate();
  }

  #post(job: unknown, transfer: ArrayBuffer[]): Promise<unknown> {
    const worker = this.#start();
    this.#next += 1;
    const id = this.#next;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      // A program that waits for an answer and nothing else must not end before it.
      worker.ref();
      worker.postMessage({ id, job }, transfer);
    });
  }

  /** The thread starts with the first job, and anew after it has died. */
  #start(): Worker {
    if (this.#worker) return this.#worker;
    const { path, busyMs, program, more = {} } = this.#options;
    const driver = require.resolve("better-sqlite3");
    const worker = new Worker(FRAME + program, {
      eval: true,
      workerData: { path, busyMs, more, driver },
    });
    worker.on("message", (answer: ThreadAnswer) => this.#settle(worker, answer));
    worker.on("error", (error) => this.#lost(worker, error.message));
    worker.on("exit", () => this.#lost(worker, "the history's thread has ended"));
    worker.unref();
    this.#worker = worker;
    return worker;
  }

  #settle(worker: Worker, { id, result, error, code }: ThreadAnswer): void {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) worker.unref();
    if (error === undefined) waiting?.resolve(result);
    else if (code?.startsWith("SQLITE_")) waiting?.reject(new ThreadError(`${error} (${code})`));
    else waiting?.reject(new Error(error));
  }

  #lost(worker: Worker, why: string): void {
    if (this.#worker !== worker) return;
    this.#worker = undefined;
    this.#options.onLost?.();
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(new ThreadError(why));
  }
}
