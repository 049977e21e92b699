import { InfluxDB } from "influx";
import type { Clock } from "../../contract/clock.ts";
import type { InfluxTarget } from "../config/hub-config.ts";
import { judgeWriteAnswer, type WriteAnswer } from "./influx-answer.ts";
import type { RawSeries } from "./influx-queries.ts";
import { StoreError } from "./store.ts";

const WRITE_DEADLINE_MS = 15_000;
const QUERY_DEADLINE_MS = 10_000;

/** What a statement may carry beside its text: never put into the text itself. */
export type Placeholders = Record<string, string>;

/**
 * One InfluxDB through its v1 interface. Every request ends before a hard deadline; what goes wrong
 * is a `StoreError`. Writes go with the writer's login, questions with the reader's where there is one.
 */
export class InfluxConnection {
  readonly #base: string;
  readonly #clock: Clock;
  readonly #client: InfluxDB;
  readonly #headers: Record<string, string>;

  constructor({ url, username, password, reader }: InfluxTarget, clock: Clock) {
    const address = new URL(url);
    const login = reader ?? (username === undefined ? undefined : { username, password });
    this.#base = address.href.replace(/\/$/, "");
    this.#clock = clock;
    this.#client = new InfluxDB({
      protocol: address.protocol === "https:" ? "https" : "http",
      host: address.hostname,
      port: Number(address.port) || (address.protocol === "https:" ? 443 : 80),
      path: address.pathname === "/" ? "" : address.pathname,
      ...(login && { username: login.username, password: login.password ?? "" }),
      // The client shuts a host out after one failure; we decide ourselves when to ask again.
      pool: { maxRetries: 0, requestTimeout: QUERY_DEADLINE_MS, backoff: NO_BACKOFF },
    });
    this.#headers = username === undefined ? {} : { authorization: basic(username, password) };
  }

  /** Posts `rows` lines with times in milliseconds. */
  async write(
    database: string,
    body: string,
    rows: number,
    signal?: AbortSignal,
  ): Promise<WriteAnswer> {
    const { status, text } = await this.#postLines(database, body, signal);
    return judgeWriteAnswer(status, text, rows);
  }

  /** Runs questions; gives the series of each, time in milliseconds first. */
  async ask(
    database: string,
    statements: string[],
    placeholders: Placeholders,
  ): Promise<RawSeries[][]> {
    const answer: RawAnswer = await this.#within(QUERY_DEADLINE_MS, undefined, (signal) =>
      this.#client.queryRaw(statements, { database, precision: "ms", placeholders, signal }),
    );
    return seriesOf(answer);
  }

  /** Runs one statement of ours that changes the server, with the writer's login. */
  async tell(
    statement: string,
    { database = "", signal }: { database?: string; signal?: AbortSignal | undefined } = {},
  ): Promise<void> {
    const { status, text } = await this.#within(QUERY_DEADLINE_MS, signal, async (deadline) => {
      const response = await fetch(`${this.#base}/query`, {
        method: "POST",
        headers: this.#headers,
        body: new URLSearchParams({ q: statement, db: database }),
        signal: deadline,
        redirect: "error",
      });
      return { status: response.status, text: await response.text() };
    });
    const why = /"error":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
    if (why === undefined && status === 200) return;
    const said = `InfluxDB ${status}: ${why ?? text.slice(0, 300)}`;
    if (isRefusal(status, why ?? "")) throw new RefusedError(said);
    throw new StoreError("retry", said);
  }

  /** Whether a database is there and takes writes of this login: an empty write asks just that. */
  async takesWrites(database: string, signal?: AbortSignal): Promise<boolean> {
    const { status, text } = await this.#postLines(database, "", signal);
    if (status === 404) return false;
    // 2.x and 3 find nothing to store in an empty body and say 400; by then they have let us in.
    if (status === 204 || status === 200 || status === 400) return true;
    throw new StoreError("retry", `InfluxDB ${status}: ${text.trim().slice(0, 300)}`);
  }

  /** What the server says it is, for instance `1.6.7~rc0` or `v2.7.12`; empty when it does not say. */
  version(signal?: AbortSignal): Promise<string> {
    return this.#within(QUERY_DEADLINE_MS, signal, async (deadline) => {
      const response = await fetch(`${this.#base}/ping`, { signal: deadline, redirect: "error" });
      await response.text();
      return response.headers.get("x-influxdb-version") ?? "";
    });
  }

  #postLines(database: string, body: string, signal: AbortSignal | undefined) {
    // A precision the server does not know is taken for nanoseconds without a word: keep it constant.
    const query = new URLSearchParams({ db: database, precision: "ms" });
    return this.#within(WRITE_DEADLINE_MS, signal, async (deadline) => {
      const response = await fetch(`${this.#base}/write?${query}`, {
        method: "POST",
        headers: { ...this.#headers, "content-type": "text/plain; charset=utf-8" },
        body,
        signal: deadline,
        redirect: "error",
      });
      return { status: response.status, text: await response.text() };
    });
  }

  /**
   * Runs one request under a hard deadline. The race is needed: the client's promise never settles when
   * a connection stalls after its headers.
   */
  async #within<T>(
    deadlineMs: number,
    signal: AbortSignal | undefined,
    request: (deadline: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const deadline = new AbortController();
    const done = new AbortController();
    const stop = () => deadline.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const late = new Promise<never>((_, reject) => {
      const fail = () =>
        reject(new StoreError("retry", `${this.#base} gave no answer in ${deadlineMs} ms`));
      deadline.signal.addEventListener("abort", fail);
      void this.#clock.sleep(deadlineMs, done.signal).then(() => {
        if (!done.signal.aborted) stop();
      });
    });
    try {
      return await Promise.race([request(deadline.signal), late]);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError("retry", `${this.#base}: ${messageOf(error)}`);
    } finally {
      signal?.removeEventListener("abort", stop);
      done.abort();
    }
  }
}

/** The server knows who asks and does not let them. */
export class RefusedError extends StoreError {
  constructor(message: string) {
    super("retry", message);
    this.name = "RefusedError";
  }
}

/** 1.x answers some refusals with 200 and the reason in the result. */
function isRefusal(status: number, why: string): boolean {
  return status === 401 || status === 403 || /not authorized|privilege|permission/i.test(why);
}

interface RawAnswer {
  results: { series?: RawSeries[]; error?: string }[];
}

function seriesOf({ results }: RawAnswer): RawSeries[][] {
  return results.map(({ series, error }) => {
    if (error) throw new StoreError("retry", `InfluxDB query: ${error}`);
    return series ?? [];
  });
}

export function basic(username: string, password = ""): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
}

const NO_BACKOFF = {
  getDelay: () => 0,
  next: () => NO_BACKOFF,
  reset: () => NO_BACKOFF,
};

/** The reason of a failed fetch stands in its cause. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
