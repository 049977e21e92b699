import type { Clock, EpochMs } from "../../contract/clock.ts";
import { systemClock } from "../../contract/clock.ts";
import type { InfluxTarget } from "../config/hub-config.ts";
import type { Aggregate, Tier } from "./aggregate.ts";
import { InfluxConnection, RefusedError } from "./influx-connection.ts";
import { databaseOf, type Retention, retentionsOf } from "./influx-databases.ts";
import { defaultPolicy, setPolicy, showPolicies } from "./influx-policies.ts";
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
  pointGroups,
  type Rollup,
  type StoreDeps,
  type StoredReading,
  StoreError,
  type Totals,
} from "./store.ts";
import { WalMender } from "./wal-mender.ts";

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;

export type InfluxHistoryOptions = InfluxTarget & StoreDeps;

export type InfluxHistory = HistoryStore & {
  /**
   * Waits until the three databases answer, and makes those that are missing where this login may:
   * `influx-setup` has made them already where it may not. Tries until then or `signal` aborts.
   */
  prepare(signal: AbortSignal): Promise<void>;
};

/** History in InfluxDB through its v1 interface. Writing a reading twice overwrites one point. */
export function openInfluxHistory(options: InfluxHistoryOptions): InfluxHistory {
  return new InfluxAdapter(options);
}

class InfluxAdapter implements InfluxHistory {
  readonly kind = "influxdb";
  readonly #options: InfluxHistoryOptions;
  readonly #clock: Clock;
  readonly #connection: InfluxConnection;
  readonly #mender: WalMender;
  readonly #lines = new LineWriter();

  constructor(options: InfluxHistoryOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#connection = new InfluxConnection(options, this.#clock);
    this.#mender = new WalMender(this.#connection);
  }

  async prepare(signal: AbortSignal): Promise<void> {
    const { log, database, url } = this.#options;
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
      await this.#clock.sleep(delayMs, signal);
    }
  }

  async write(readings: readonly StoredReading[], signal?: AbortSignal): Promise<void> {
    const poison: number[] = [];
    let why = await this.#writeRange(readings, 0, poison, signal);
    if (this.#mender.isTorn(this.#database("raw"))) {
      await this.#mender.mend(this.#database("raw"), signal);
      poison.length = 0;
      why = await this.#writeRange(readings, 0, poison, signal);
    }
    if (poison.length > 0) throw new StoreError("poison", why ?? "refused", poison);
  }

  async aggregate(query: AggregateQuery): Promise<Map<string, Aggregate[]>> {
    checkAggregateQuery(query);
    const { tier, stepMs } = query;
    const found = new Map<string, Aggregate[]>();
    for (const some of pointGroups(query)) {
      const answer = await this.#query(aggregateStatements(tier, some, stepMs), query, tier);
      for (const [point, aggregates] of aggregatesOf(answer)) found.set(point, aggregates);
    }
    return found;
  }

  async saveRollups(tier: Exclude<Tier, "raw">, rollups: readonly Rollup[]): Promise<void> {
    if (rollups.length === 0) return;
    await this.#writeRollups(tier, rollups);
    if (!this.#mender.isTorn(this.#database(tier))) return;
    await this.#mender.mend(this.#database(tier));
    await this.#writeRollups(tier, rollups);
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

  /**
   * 1.x drops by itself what its retention says: that is looked at, and set where this login may. 2.x and
   * 3 keep it with the bucket or database, where `influx-setup` has set it.
   */
  async dropOld(): Promise<void> {
    if (!/^v?1\./.test(await this.#connection.version())) return;
    for (const wanted of retentionsOf(this.#options.database)) await this.#keepFor(wanted);
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
    const answer = await this.#connection.write(
      this.#database("raw"),
      this.#lines.text(rows),
      rows.length,
      signal,
    );
    switch (answer.kind) {
      case "stored":
        return undefined;
      case "retry":
        this.#mender.noteRefusal(this.#database("raw"), answer.why, timesOf(rows));
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

  async #writeRollups(tier: Tier, rollups: readonly Rollup[]): Promise<void> {
    const database = this.#database(tier);
    const answer = await this.#connection.write(database, rollupLines(rollups), rollups.length);
    if (answer.kind === "stored") return;
    if (answer.kind === "no-database") await this.#makeDatabases();
    const times = rollups.map(({ aggregate }) => aggregate.at);
    this.#mender.noteRefusal(database, answer.why, times);
    throw new StoreError("retry", answer.why);
  }

  async #keepFor(wanted: Retention): Promise<void> {
    const { database, keptHours, shardHours } = wanted;
    const [series] = await this.#connection.ask(database, [showPolicies(database)], {});
    const held = defaultPolicy(series);
    if (held?.keptHours === keptHours && held.shardHours === shardHours) return;
    try {
      await this.#connection.tell(setPolicy(wanted, held?.name));
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      throw new StoreError(
        "retry",
        `${database} keeps readings for ${spoken(held?.keptHours)}, not ${spoken(keptHours)}, and this login may not change it (run plenum-hub influx-setup)`,
      );
    }
  }

  async #makeDatabases(signal?: AbortSignal): Promise<void> {
    for (const { database, shardHours } of retentionsOf(this.#options.database)) {
      if (await this.#connection.takesWrites(database, signal)) continue;
      try {
        const made = `CREATE DATABASE "${database}" WITH SHARD DURATION ${shardHours}h`;
        await this.#connection.tell(made, { signal });
      } catch (error) {
        if (!(error instanceof RefusedError)) throw error;
        throw new StoreError(
          "retry",
          `database ${database} is missing, and this login may not make it (run plenum-hub influx-setup): ${error.message}`,
        );
      }
    }
  }

  /** Runs statements about a range, and perhaps one point; nothing from outside stands in their text. */
  #query(
    statements: string[],
    { point, fromMs, toMs }: { point?: string; fromMs: number; toMs: number },
    tier: Tier = "raw",
  ): Promise<RawSeries[][]> {
    return this.#connection.ask(this.#database(tier), statements, {
      ...(point === undefined ? {} : { point }),
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
    });
  }

  #database(tier: Tier): string {
    return databaseOf(this.#options.database, tier);
  }
}

const spoken = (hours = 0) => (hours > 0 ? `${hours} h` : "ever");

const timesOf = (rows: readonly StoredReading[]) => rows.map(({ reading }) => reading.at);

function longer(delayMs: number): number {
  return Math.min(LONGEST_RETRY_MS, delayMs * 2);
}
