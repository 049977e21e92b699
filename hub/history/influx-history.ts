import { InfluxDB } from "influx";
import type { Logger } from "pino";
import type { Bucket } from "../../contract/api.ts";
import type { Clock } from "../../contract/clock.ts";
import { judgeWriteAnswer } from "./influx-answer.ts";
import { LineWriter } from "./line-protocol.ts";
import {
  checkHistoryQuery,
  type HistoryQuery,
  type HistoryStore,
  type StoredReading,
  StoreError,
  type Totals,
} from "./store.ts";

const WRITE_DEADLINE_MS = 15_000;
const QUERY_DEADLINE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Good values only. Placeholders carry every text and time; the measurement's name is fixed. */
const WHERE = "WHERE point = $point AND time >= $from AND time < $to";
const BUCKETS = (stepMs: number) =>
  `SELECT min(value), max(value), mean(value), count(value) FROM point ${WHERE} AND q = 0
   GROUP BY time(${stepMs}ms) fill(none)`;
const TOTALS = [
  `SELECT count(q) FROM point ${WHERE}`,
  `SELECT count(value), sum(value) FROM point ${WHERE} AND q = 0`,
  `SELECT first(q) FROM point ${WHERE}`,
  `SELECT last(q) FROM point ${WHERE}`,
];

export interface InfluxHistoryOptions {
  /** Base address, for instance `http://127.0.0.1:8086`. */
  url: string;
  database: string;
  username?: string;
  password?: string;
  log: Logger;
  clock: Clock;
}

export type InfluxHistory = HistoryStore & {
  /** Makes the database if it is missing. Tries until it is there or `signal` aborts. */
  prepare(signal: AbortSignal): Promise<void>;
};

/** History in InfluxDB through its v1 interface. Writing a reading twice overwrites one point. */
export function openInfluxHistory(options: InfluxHistoryOptions): InfluxHistory {
  return new InfluxAdapter(options);
}

class InfluxAdapter implements InfluxHistory {
  readonly kind = "influxdb";
  readonly #options: InfluxHistoryOptions;
  readonly #client: InfluxDB;
  readonly #writeUrl: URL;
  readonly #headers: Record<string, string>;
  readonly #lines = new LineWriter();

  constructor(options: InfluxHistoryOptions) {
    const { url, database, username, password } = options;
    this.#options = options;
    const address = new URL(url);
    this.#client = new InfluxDB({
      protocol: address.protocol === "https:" ? "https" : "http",
      host: address.hostname,
      port: Number(address.port) || (address.protocol === "https:" ? 443 : 80),
      path: address.pathname === "/" ? "" : address.pathname,
      database,
      ...(username === undefined ? {} : { username, password: password ?? "" }),
      // The client shuts a host out after one failure; we decide ourselves when to ask again.
      pool: { maxRetries: 0, requestTimeout: QUERY_DEADLINE_MS, backoff: NO_BACKOFF },
    });
    this.#writeUrl = new URL(`${address.href.replace(/\/$/, "")}/write`);
    // A precision the server does not know is taken for nanoseconds without a word: keep it constant.
    this.#writeUrl.search = new URLSearchParams({ db: database, precision: "ms" }).toString();
    this.#headers = { "content-type": "text/plain; charset=utf-8" };
    if (username !== undefined)
      this.#headers.authorization = `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { clock, log, database, url } = this.#options;
    let failing = false;
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = longer(delayMs)) {
      try {
        await this.#makeDatabase(signal);
        log.info({ url, database }, "history database ready");
        return;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (!failing) log.warn({ url, database, error: error.message }, "history database away");
        failing = true;
      }
      await clock.sleep(delayMs, signal);
    }
  }

  async write(readings: readonly StoredReading[], signal?: AbortSignal): Promise<void> {
    const poison: number[] = [];
    const why = await this.#writeRange(readings, 0, poison, signal);
    if (poison.length > 0) throw new StoreError("poison", why ?? "refused", poison);
  }

  async history(query: HistoryQuery): Promise<Bucket[]> {
    checkHistoryQuery(query);
    const [rows] = await this.#query([BUCKETS(query.stepMs)], query);
    return (rows ?? []).map(([at, min, max, mean, count]) => {
      if (at == null || min == null || max == null || mean == null || count == null)
        throw new StoreError("retry", "InfluxDB answered a bucket with a hole in it");
      return { at, min, max, mean, count };
    });
  }

  async totals(query: { point: string; fromMs: number; toMs: number }): Promise<Totals> {
    const [all, good, first, last] = await this.#query(TOTALS, query);
    return {
      rows: all?.[0]?.[1] ?? 0,
      good: good?.[0]?.[1] ?? 0,
      sum: good?.[0]?.[2] ?? 0,
      firstAt: first?.[0]?.[0] ?? null,
      lastAt: last?.[0]?.[0] ?? null,
    };
  }

  async close(): Promise<void> {}

  /**
   * Writes the rows and adds the index of each one refused for ever to `poison`, halving the batch until
   * it stands alone: the server's text does not always name it. Returns the first such text.
   */
  async #writeRange(
    rows: readonly StoredReading[],
    offset: number,
    poison: number[],
    signal: AbortSignal | undefined,
  ): Promise<string | undefined> {
    if (rows.length === 0) return undefined;
    const answer = await this.#post(rows, signal);
    switch (answer.kind) {
      case "stored":
        return undefined;
      case "retry":
        throw new StoreError("retry", answer.why);
      case "no-database":
        await this.#makeDatabase(signal);
        throw new StoreError("retry", `${answer.why}; made it`);
      case "all-poison":
        for (let i = 0; i < rows.length; i += 1) poison.push(offset + i);
        return answer.why;
      case "poison":
      case "split": {
        const half = Math.ceil(rows.length / 2);
        const first = await this.#writeRange(rows.slice(0, half), offset, poison, signal);
        const second = await this.#writeRange(rows.slice(half), offset + half, poison, signal);
        return first ?? second;
      }
    }
  }

  async #post(rows: readonly StoredReading[], signal: AbortSignal | undefined) {
    const body = this.#lines.text(rows);
    return this.#within(WRITE_DEADLINE_MS, signal, async (deadline) => {
      const response = await fetch(this.#writeUrl, {
        method: "POST",
        headers: this.#headers,
        body,
        signal: deadline,
        redirect: "error",
      });
      return judgeWriteAnswer(response.status, await response.text(), rows.length);
    });
  }

  #makeDatabase(signal?: AbortSignal): Promise<void> {
    const { database } = this.#options;
    return this.#within(QUERY_DEADLINE_MS, signal, () => this.#client.createDatabase(database));
  }

  /** Runs statements; gives the value rows of each, time in milliseconds first. */
  async #query(
    statements: string[],
    { point, fromMs, toMs }: { point: string; fromMs: number; toMs: number },
  ): Promise<(number | null)[][][]> {
    const placeholders = {
      point,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    };
    const answer: RawAnswer = await this.#within(QUERY_DEADLINE_MS, undefined, (signal) =>
      this.#client.queryRaw(statements, { precision: "ms", placeholders, signal }),
    );
    return answer.results.map(({ series, error }) => {
      if (error) throw new StoreError("retry", `InfluxDB query: ${error}`);
      return series?.[0]?.values ?? [];
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
    const { clock, url } = this.#options;
    const deadline = new AbortController();
    const done = new AbortController();
    const stop = () => deadline.abort();
    signal?.addEventListener("abort", stop);
    if (signal?.aborted) stop();
    const late = new Promise<never>((_, reject) => {
      const fail = () =>
        reject(new StoreError("retry", `${url} gave no answer in ${deadlineMs} ms`));
      deadline.signal.addEventListener("abort", fail);
      void clock.sleep(deadlineMs, done.signal).then(() => {
        if (!done.signal.aborted) stop();
      });
    });
    try {
      return await Promise.race([request(deadline.signal), late]);
    } catch (error) {
      if (error instanceof StoreError) throw error;
      throw new StoreError("retry", `${url}: ${messageOf(error)}`);
    } finally {
      signal?.removeEventListener("abort", stop);
      done.abort();
    }
  }
}

interface RawAnswer {
  results: { series?: { values: (number | null)[][] }[]; error?: string }[];
}

const NO_BACKOFF = {
  getDelay: () => 0,
  next: () => NO_BACKOFF,
  reset: () => NO_BACKOFF,
};

function longer(delayMs: number): number {
  return Math.min(LONGEST_RETRY_MS, delayMs * 2);
}

/** The reason of a failed fetch stands in its cause. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
