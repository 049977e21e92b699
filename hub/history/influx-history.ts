import { InfluxDB } from "influx";
import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { type Aggregate, TIERS, type Tier } from "./aggregate.ts";
import { judgeWriteAnswer } from "./influx-answer.ts";
import {
  aggregateStatements,
  aggregatesOf,
  holeStatements,
  holesOf,
  type RawSeries,
  TOTALS,
} from "./influx-queries.ts";
import { LineWriter, rollupLines } from "./line-protocol.ts";
import {
  type AggregateQuery,
  checkAggregateQuery,
  type GapQuery,
  type HistoryStore,
  type Hole,
  type Rollup,
  type StoredReading,
  StoreError,
  type Totals,
} from "./store.ts";

const WRITE_DEADLINE_MS = 15_000;
const QUERY_DEADLINE_MS = 10_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

/** Buckets of all points together that one query may give; InfluxDB's own limit is set not far above it. */
const MAX_BUCKETS_PER_QUERY = 10_000;
const KEEP = { raw: ["2160h", "24h"], "5m": ["17520h", "168h"] } as const;

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
  /** Makes the databases that are missing: `<database>`, `<database>_5m` and `<database>_1h`. Tries until it is there or `signal` aborts. */
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
    this.#headers = { "content-type": "text/plain; charset=utf-8" };
    if (username !== undefined)
      this.#headers.authorization = `Basic ${Buffer.from(`${username}:${password ?? ""}`).toString("base64")}`;
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { clock, log, database, url } = this.#options;
    let failing = false;
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; delayMs = longer(delayMs)) {
      try {
        await this.#makeDatabases(signal);
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

  async aggregate(query: AggregateQuery): Promise<Map<string, Aggregate[]>> {
    checkAggregateQuery(query);
    const { tier, points, stepMs, fromMs, toMs } = query;
    const found = new Map<string, Aggregate[]>();
    const buckets = Math.ceil((toMs - fromMs) / stepMs) + 1;
    const atOnce = Math.max(1, Math.floor(MAX_BUCKETS_PER_QUERY / buckets));
    for (let first = 0; first < points.length; first += atOnce) {
      const some = points.slice(first, first + atOnce);
      const answer = await this.#query(aggregateStatements(tier, some, stepMs), query, tier);
      for (const [point, aggregates] of aggregatesOf(answer)) found.set(point, aggregates);
    }
    return found;
  }

  async saveRollups(tier: Exclude<Tier, "raw">, rollups: readonly Rollup[]): Promise<void> {
    if (rollups.length === 0) return;
    const answer = await this.#post(tier, rollupLines(rollups), rollups.length);
    if (answer.kind === "no-database") await this.#makeDatabases();
    if (answer.kind !== "stored") throw new StoreError("retry", answer.why);
  }

  async holes(query: GapQuery): Promise<Hole[]> {
    return holesOf(query, await this.#query(holeStatements(query), query));
  }

  async totals(query: { point: string; fromMs: EpochMs; toMs: EpochMs }): Promise<Totals> {
    const [all, good, first, last] = await this.#query(TOTALS, query);
    const of = (series: RawSeries[] | undefined) => series?.[0]?.values[0];
    return {
      rows: of(all)?.[1] ?? 0,
      good: of(good)?.[1] ?? 0,
      sum: of(good)?.[2] ?? 0,
      firstAt: of(first)?.[0] ?? null,
      lastAt: of(last)?.[0] ?? null,
    };
  }

  /** InfluxDB drops by itself what its retention says; where that cannot be set from here, an administrator does. */
  async dropOld(): Promise<void> {
    for (const tier of ["raw", "5m"] as const) {
      const [keep, shard] = KEEP[tier];
      const statement = `ALTER RETENTION POLICY autogen ON "${this.#database(tier)}" DURATION ${keep} SHARD DURATION ${shard}`;
      await this.#within(QUERY_DEADLINE_MS, undefined, () => this.#client.queryRaw(statement));
    }
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
    const answer = await this.#post("raw", this.#lines.text(rows), rows.length, signal);
    switch (answer.kind) {
      case "stored":
        return undefined;
      case "retry":
        throw new StoreError("retry", answer.why);
      case "no-database":
        await this.#makeDatabases(signal);
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

  #post(tier: Tier, body: string, rows: number, signal?: AbortSignal) {
    const url = new URL(`${new URL(this.#options.url).href.replace(/\/$/, "")}/write`);
    // A precision the server does not know is taken for nanoseconds without a word: keep it constant.
    url.search = new URLSearchParams({ db: this.#database(tier), precision: "ms" }).toString();
    return this.#within(WRITE_DEADLINE_MS, signal, async (deadline) => {
      const response = await fetch(url, {
        method: "POST",
        headers: this.#headers,
        body,
        signal: deadline,
        redirect: "error",
      });
      return judgeWriteAnswer(response.status, await response.text(), rows);
    });
  }

  #database(tier: Tier): string {
    const { database } = this.#options;
    return tier === "raw" ? database : `${database}_${tier}`;
  }

  async #makeDatabases(signal?: AbortSignal): Promise<void> {
    for (const tier of TIERS)
      await this.#within(QUERY_DEADLINE_MS, signal, () =>
        this.#client.createDatabase(this.#database(tier)),
      );
  }

  /** Runs statements; gives the series of each, time in milliseconds first. */
  async #query(
    statements: string[],
    { point, fromMs, toMs }: { point?: string; fromMs: number; toMs: number },
    tier: Tier = "raw",
  ): Promise<RawSeries[][]> {
    const placeholders = {
      ...(point === undefined ? {} : { point }),
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    };
    const database = this.#database(tier);
    const answer: RawAnswer = await this.#within(QUERY_DEADLINE_MS, undefined, (signal) =>
      this.#client.queryRaw(statements, { database, precision: "ms", placeholders, signal }),
    );
    return answer.results.map(({ series, error }) => {
      if (error) throw new StoreError("retry", `InfluxDB query: ${error}`);
      return series ?? [];
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
  results: { series?: RawSeries[]; error?: string }[];
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
