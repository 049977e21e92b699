import { type Signal, signal } from "@preact/signals";
import type { Bucket } from "../../contract/api.ts";

export const SPARK_POINTS = 96;
/** 96 points are a day, or the last 48 minutes while there is hardly any history. */
export const SPARK_STEPS_MS = [15 * 60_000, 30_000] as const;
const FEW = 6;
const REFRESH_MS = 60_000;
/** More lines than a wall shows; the one unused for longest is dropped. */
const MAX_KEPT = 64;

export interface SparkLine {
  stepMs: number;
  /** Oldest first, always SPARK_POINTS long; `null` where nothing was measured. */
  values: (number | null)[];
}

interface Range {
  fromMs: number;
  toMs: number;
  stepMs: number;
}
type Load = (point: string, range: Range) => Promise<readonly Bucket[]>;

/** The recent past of the points on screen, asked for once a minute at most. */
export class SparkHistory {
  readonly #load: Load;
  readonly #nowMs: () => number;
  readonly #lines = new Map<string, { line: Signal<SparkLine | null>; loadedAt: number }>();

  constructor(load: Load, nowMs: () => number) {
    this.#load = load;
    this.#nowMs = nowMs;
  }

  /** The line as far as it is known; asks the hub when it is older than a minute. */
  line(point: string): Signal<SparkLine | null> {
    const known = this.#lines.get(point);
    const entry = known ?? { line: signal(null), loadedAt: Number.NEGATIVE_INFINITY };
    this.#lines.delete(point);
    this.#lines.set(point, entry);
    const oldest = this.#lines.keys().next().value;
    if (this.#lines.size > MAX_KEPT && oldest !== undefined) this.#lines.delete(oldest);
    const now = this.#nowMs();
    if (now > 0 && now - entry.loadedAt >= REFRESH_MS) {
      entry.loadedAt = now;
      void this.#refresh(point, entry.line, now);
    }
    return entry.line;
  }

  async #refresh(point: string, line: Signal<SparkLine | null>, now: number): Promise<void> {
    try {
      for (const stepMs of SPARK_STEPS_MS) {
        const toMs = Math.floor(now / stepMs) * stepMs + stepMs;
        const fromMs = toMs - SPARK_POINTS * stepMs;
        const buckets = await this.#load(point, { fromMs, toMs, stepMs });
        line.value = { stepMs, values: slots(buckets, { fromMs, stepMs }) };
        if (buckets.length >= FEW) return;
      }
    } catch {
      // A line is context, not a reading: without it the tile stays as it is and tries again in a minute.
      line.value ??= null;
    }
  }
}

/** Buckets into their places; a place without a good value stays empty. */
export function slots(
  buckets: readonly Bucket[],
  { fromMs, stepMs }: Pick<Range, "fromMs" | "stepMs">,
): (number | null)[] {
  const values: (number | null)[] = Array.from({ length: SPARK_POINTS }, () => null);
  for (const { at, mean } of buckets) {
    const place = Math.floor((at - fromMs) / stepMs);
    if (place >= 0 && place < SPARK_POINTS) values[place] = mean;
  }
  return values;
}

/** Adds lines of one length in time; a place counts only where every line has a value. */
export function sumLines(lines: readonly (SparkLine | null)[]): SparkLine | null {
  const known = lines.filter((line) => line !== null);
  const stepMs = known[0]?.stepMs;
  if (stepMs === undefined || known.length !== lines.length) return null;
  if (known.some((line) => line.stepMs !== stepMs)) return null;
  const values = Array.from({ length: SPARK_POINTS }, (_, i) => {
    const parts = known.map((line) => line.values[i] ?? null);
    return parts.includes(null) ? null : parts.reduce<number>((sum, v) => sum + (v ?? 0), 0);
  });
  return { stepMs, values };
}
