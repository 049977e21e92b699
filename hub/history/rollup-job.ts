import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { type Aggregate, FIVE_MIN_MS, HOUR_MS, mergeInto, TIER_KEPT_MS } from "./aggregate.ts";
import type { Coverage, DirtyHour } from "./coverage.ts";
import { type HistoryStore, type Rollup, StoreError } from "./store.ts";

const LOOK_MS = 60_000;
/** An hour is rolled up this long after its end: until then rows of it keep coming. */
const SETTLE_MS = 5 * 60_000;
/** After a long outage the backlog is rolled up a little at a time. */
const PAUSE_MS = 100;
const HOURS_AT_ONCE = 500;
/** Points of one hour asked for in one query. */
const POINTS_AT_ONCE = 100;
const DROP_EVERY_MS = 6 * 3_600_000;
/** Hours this close to the end of raw values are left as they were rolled up: half of their rows may be gone. */
const RAW_MARGIN_MS = 24 * HOUR_MS;

export interface RollupDeps {
  store: Pick<HistoryStore, "aggregate" | "saveRollups" | "dropOld">;
  coverage: Coverage;
  clock: Clock;
  log: Logger;
}

/**
 * Rolls up every hour in which rows were stored, late ones too, and drops what is too old, until `signal`
 * aborts. A store that is away is asked again a minute later.
 */
export async function runRollups(deps: RollupDeps, signal: AbortSignal): Promise<void> {
  const { clock } = deps;
  const watch = new FailureLog(deps.log);
  let dropAtMs = clock.monoMs();
  while (!signal.aborted) {
    await watch.trying("rollups", async () => {
      while (!signal.aborted && (await rollUpSome(deps, signal)) > 0)
        await clock.sleep(PAUSE_MS, signal);
    });
    if (clock.monoMs() >= dropAtMs) {
      dropAtMs = clock.monoMs() + DROP_EVERY_MS;
      await watch.trying("retention", () => deps.store.dropOld(clock.nowMs(), signal));
    }
    await clock.sleep(LOOK_MS, signal);
  }
}

/** Rolls up the oldest hours that are due; returns how many. */
export async function rollUpSome(deps: RollupDeps, signal: AbortSignal): Promise<number> {
  const { coverage, clock } = deps;
  const now = clock.nowMs();
  const due = coverage.take(now - HOUR_MS - SETTLE_MS + 1, HOURS_AT_ONCE);
  const oldest = now - TIER_KEPT_MS.raw + RAW_MARGIN_MS;
  for (const hours of groups(due)) {
    if (signal.aborted) return 0;
    if (hours[0] && hours[0].hour >= oldest) await rollUp(deps, hours[0].hour, hours);
    coverage.done(hours);
  }
  return due.length;
}

async function rollUp(
  { store }: RollupDeps,
  hour: EpochMs,
  hours: readonly DirtyHour[],
): Promise<void> {
  const range = { fromMs: hour, toMs: hour + HOUR_MS, stepMs: FIVE_MIN_MS };
  const points = hours.map(({ point }) => point);
  const found = await store.aggregate({ tier: "raw", points, ...range });
  await store.saveRollups("5m", rollupsOf(found));
  const hourly = [...found].map(
    ([point, parts]) => [point, mergeInto(HOUR_MS, parts)] as [string, Aggregate[]],
  );
  await store.saveRollups("1h", rollupsOf(hourly));
}

function rollupsOf(found: Iterable<[string, Aggregate[]]>): Rollup[] {
  return [...found].flatMap(([point, parts]) => parts.map((aggregate) => ({ point, aggregate })));
}

/** Points of the same hour together; they come in order of the hour. */
function groups(due: readonly DirtyHour[]): DirtyHour[][] {
  const all: DirtyHour[][] = [];
  for (const entry of due) {
    const last = all.at(-1);
    if (last?.[0]?.hour === entry.hour && last.length < POINTS_AT_ONCE) last.push(entry);
    else all.push([entry]);
  }
  return all;
}

/** Logs when a kind of work begins to fail and when it succeeds again. */
class FailureLog {
  readonly #log: Logger;
  readonly #failing = new Set<string>();

  constructor(log: Logger) {
    this.#log = log;
  }

  async trying(work: string, attempt: () => Promise<void>): Promise<void> {
    try {
      await attempt();
      if (this.#failing.delete(work)) this.#log.info({ work }, "history upkeep works again");
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      if (!this.#failing.has(work))
        this.#log.warn({ work, error: error.message }, "history upkeep failing");
      this.#failing.add(work);
    }
  }
}
