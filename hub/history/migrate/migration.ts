import type { Clock, EpochMs } from "../../../contract/clock.ts";
import { ceilTo, HOUR_MS, TIER_KEPT_MS, TIERS, type Tier } from "../aggregate.ts";
import { type HistoryStore, StoreError } from "../store.ts";
import type { Mark, MarkFile } from "./migration-mark.ts";
import type { MigrationSource, SourcePoint, SourceRow } from "./migration-source.ts";
import { ProgressMeter } from "./progress-meter.ts";

const ROWS_AT_ONCE = 5_000;
/** The mark is written so often at most; a resumed migration writes the rest of it once more. */
const MARK_EVERY_MS = 1_000;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 15_000;
/** Rows about to fall out of retention are left where they are: InfluxDB would refuse them meanwhile. */
const AGE_MARGIN_MS = HOUR_MS;
/** Share of the work: nearly all rows are readings. */
const WEIGHT: Record<Tier, number> = { "1h": 0.01, "5m": 0.04, raw: 0.95 };

export interface MigrationDeps {
  source: MigrationSource;
  target: HistoryStore;
  /** Name of the target in the mark. */
  targetName: string;
  mark: MarkFile;
  clock: Clock;
  tell(line: string): void;
}

/** Rows the target refuses for ever. */
export interface Refused {
  rows: number;
  why: string;
}

/** Copies the embedded history into another store, a tier after the other and point by point. */
export class Migration {
  readonly #deps: MigrationDeps;
  readonly #refused: Refused = { rows: 0, why: "" };
  #meter: ProgressMeter;
  #markedMs: number;

  constructor(deps: MigrationDeps) {
    this.#deps = deps;
    this.#meter = new ProgressMeter(deps.clock, deps.tell, 0);
    this.#markedMs = deps.clock.monoMs();
  }

  /** Goes on where an earlier run stopped. False when `signal` aborted before the end. */
  async copy(signal: AbortSignal): Promise<boolean> {
    const { source, mark, targetName, clock, tell } = this.#deps;
    const points = source.points();
    const held = mark.read(targetName);
    if (held)
      tell(`Going on after ${held.tier} of point ${held.point}, as an earlier run left it.`);
    const begun = held ? shareOf(points, held) : 0;
    this.#meter = new ProgressMeter(clock, tell, begun);
    const tiers = [...TIERS].reverse();
    for (const tier of tiers) {
      if (held && tiers.indexOf(tier) < tiers.indexOf(held.tier)) continue;
      for (const point of points) {
        const follow = held?.tier === tier;
        if (follow && point.id < held.point) continue;
        const fromMs = follow && point.id === held.point ? held.at : 0;
        if (!(await this.#copyPoint(tier, point, { fromMs, points, signal }))) return false;
      }
    }
    return true;
  }

  /** Copies everything of one point again. */
  async copyAgain(point: SourcePoint, signal: AbortSignal): Promise<void> {
    for (const tier of TIERS)
      await this.#copyPoint(tier, point, { fromMs: 0, points: [point], signal });
  }

  get rows(): number {
    return this.#meter.rows;
  }

  get refused(): Refused {
    return this.#refused;
  }

  async #copyPoint(
    tier: Tier,
    point: SourcePoint,
    run: { fromMs: EpochMs; points: readonly SourcePoint[]; signal: AbortSignal },
  ): Promise<boolean> {
    const { source, clock, mark, targetName } = this.#deps;
    const lastAt = source.lastAt(tier, point);
    if (lastAt === undefined) return true;
    let fromMs = Math.max(run.fromMs, oldestKept(tier, clock.nowMs()));
    const beganAt = fromMs;
    while (fromMs <= lastAt) {
      const rows = source.rows(tier, point, { fromMs, limit: ROWS_AT_ONCE });
      const last = rows.at(-1);
      if (!last) break;
      if (!(await this.#store(tier, rows, run.signal))) return false;
      fromMs = last.at + 1;
      const within = lastAt > beganAt ? (fromMs - beganAt) / (lastAt + 1 - beganAt) : 1;
      const share =
        shareOf(run.points, { tier, point: point.id }) + within * step(run.points, tier);
      this.#meter.done(`${tier} of ${point.name}`, rows.length, share);
      this.#markNow({ target: targetName, tier, point: point.id, at: fromMs }, mark);
    }
    return true;
  }

  #markNow(now: Mark, file: MarkFile): void {
    const ms = this.#deps.clock.monoMs();
    if (ms - this.#markedMs < MARK_EVERY_MS) return;
    this.#markedMs = ms;
    file.write(now);
  }

  /** Tries until it is stored; false when told to stop. */
  async #store(tier: Tier, rows: readonly SourceRow[], signal: AbortSignal): Promise<boolean> {
    const { clock, tell } = this.#deps;
    let left = rows;
    let failing = false;
    for (let delayMs = FIRST_RETRY_MS; !signal.aborted; ) {
      try {
        if (left.length > 0) await this.#write(tier, left, signal);
        return true;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (error.kind === "poison") {
          const refused = new Set(error.poison);
          this.#refused.rows += refused.size;
          this.#refused.why = error.message;
          left = left.filter((_, index) => !refused.has(index));
          continue;
        }
        if (!failing) tell(`Waiting: ${error.message}`);
        failing = true;
      }
      await clock.sleep(delayMs, signal);
      delayMs = Math.min(LONGEST_RETRY_MS, delayMs * 2);
    }
    return false;
  }

  #write(tier: Tier, rows: readonly SourceRow[], signal: AbortSignal): Promise<void> {
    const { target } = this.#deps;
    if (tier === "raw")
      return target.write(
        rows.flatMap((row) => (row.tier === "raw" ? [row.reading] : [])),
        signal,
      );
    return target.saveRollups(
      tier,
      rows.flatMap((row) => (row.tier === "raw" ? [] : [row.rollup])),
    );
  }
}

/** Rows before this are as good as gone. */
export function oldestKept(tier: Tier, now: EpochMs): EpochMs {
  const kept = TIER_KEPT_MS[tier];
  return Number.isFinite(kept) ? ceilTo(now - kept + AGE_MARGIN_MS, HOUR_MS) : 0;
}

/** How much of the whole lies before a point of a tier. */
function shareOf(points: readonly SourcePoint[], at: { tier: Tier; point: number }): number {
  const tiers = [...TIERS].reverse();
  const before = tiers
    .slice(0, tiers.indexOf(at.tier))
    .reduce((sum, tier) => sum + WEIGHT[tier], 0);
  const done = points.filter(({ id }) => id < at.point).length;
  return before + done * step(points, at.tier);
}

const step = (points: readonly SourcePoint[], tier: Tier) =>
  WEIGHT[tier] / Math.max(1, points.length);
