import type { Bucket } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import {
  type Aggregate,
  bucketsOf,
  ceilTo,
  FIVE_MIN_MS,
  floorTo,
  HOUR_MS,
  mergeInto,
  TIER_KEPT_MS,
  TIER_STEP_MS,
  type Tier,
} from "./aggregate.ts";
import type { Coverage } from "./coverage.ts";
import { checkRange, type HistoryStore } from "./store.ts";

/** Up to this range the readings themselves are asked: they are exact at every moment. */
const RAW_RANGE_MS = 48 * HOUR_MS;
/** Hours whose rollups are out of date that are asked of the readings instead; the rest is a little old. */
const MAX_DIRTY_HOURS = 48;

export interface HistoryQuestion {
  point: string;
  fromMs: EpochMs;
  toMs: EpochMs;
  stepMs: number;
}

interface Part {
  tier: Tier;
  fromMs: EpochMs;
  toMs: EpochMs;
}

/** The step that what is kept since `fromMs` allows: finer values of that time no longer exist. */
export function finestStepMs(fromMs: EpochMs, now: EpochMs): number {
  if (fromMs >= now - TIER_KEPT_MS.raw) return 1_000;
  return fromMs >= now - TIER_KEPT_MS["5m"] ? FIVE_MIN_MS : HOUR_MS;
}

/** Answers questions from the readings or from their rollups, whichever costs less and is right. */
export class HistoryReader {
  readonly #store: Pick<HistoryStore, "kind" | "aggregate">;
  readonly #coverage: Pick<Coverage, "dirty">;
  readonly #clock: Clock;

  constructor(deps: {
    store: Pick<HistoryStore, "kind" | "aggregate">;
    coverage: Pick<Coverage, "dirty">;
    clock: Clock;
  }) {
    this.#store = deps.store;
    this.#coverage = deps.coverage;
    this.#clock = deps.clock;
  }

  get kind() {
    return this.#store.kind;
  }

  /** Buckets of good values; holes stay holes. Throws RangeError beyond `MAX_BUCKETS`. */
  async history(question: HistoryQuestion): Promise<Bucket[]> {
    checkRange(question);
    const { point, stepMs } = question;
    const found: Aggregate[] = [];
    for (const { tier, fromMs, toMs } of this.#partsOf(question)) {
      const part = await this.#store.aggregate({ tier, points: [point], fromMs, toMs, stepMs });
      found.push(...(part.get(point) ?? []));
    }
    return bucketsOf(mergeInto(stepMs, found));
  }

  #partsOf({ point, fromMs, toMs, stepMs }: HistoryQuestion): Part[] {
    const now = this.#clock.nowMs();
    const rawSince = now - TIER_KEPT_MS.raw;
    const tier = coarsestFor(stepMs);
    if (tier === "raw" || (toMs - fromMs <= RAW_RANGE_MS && fromMs >= rawSince))
      return [{ tier: "raw", fromMs, toMs }];
    const width = TIER_STEP_MS[tier];
    // Before raw values begin there is nothing finer for the ragged edge: it is taken whole.
    const beginMs = fromMs < rawSince ? floorTo(fromMs, width) : ceilTo(fromMs, HOUR_MS);
    const endMs = Math.max(beginMs, floorTo(toMs, HOUR_MS));
    const dirty = this.#coverage.dirty(
      point,
      { fromMs: Math.max(beginMs, ceilTo(rawSince, HOUR_MS)), toMs: endMs },
      MAX_DIRTY_HOURS,
    );
    const parts: Part[] = [];
    let reachedMs = beginMs;
    for (const hour of dirty) {
      const last = parts.at(-1);
      if (last?.tier === "raw" && last.toMs === hour) last.toMs += HOUR_MS;
      else {
        parts.push({ tier, fromMs: reachedMs, toMs: hour });
        parts.push({ tier: "raw", fromMs: hour, toMs: hour + HOUR_MS });
      }
      reachedMs = hour + HOUR_MS;
    }
    parts.push({ tier, fromMs: reachedMs, toMs: endMs });
    parts.push({ tier: "raw", fromMs, toMs: Math.min(beginMs, toMs) });
    parts.push({ tier: "raw", fromMs: Math.max(endMs, fromMs), toMs });
    return parts.filter((part) => part.toMs > part.fromMs);
  }
}

function coarsestFor(stepMs: number): Tier {
  if (stepMs % HOUR_MS === 0) return "1h";
  return stepMs % FIVE_MIN_MS === 0 ? "5m" : "raw";
}
