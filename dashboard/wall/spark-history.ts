import { type Signal, signal } from "@preact/signals";
import type { Bucket } from "../../contract/api.ts";

export const SPARK_POINTS = 96;
export const SPARK_STEP_MS = 15 * 60_000;
const REFRESH_MS = 60_000;
/** More lines than a wall shows; the one unused for longest is dropped. */
const MAX_KEPT = 64;

/** `value: null` where nothing was measured. */
export interface SparkLine {
  /** Oldest first, always SPARK_POINTS long. */
  values: (number | null)[];
}

type Load = (point: string, range: { fromMs: number; toMs: number }) => Promise<readonly Bucket[]>;

/** The last 24 hours of the points on screen, asked for once a minute at most. */
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
    const toMs = Math.floor(now / SPARK_STEP_MS) * SPARK_STEP_MS + SPARK_STEP_MS;
    const fromMs = toMs - SPARK_POINTS * SPARK_STEP_MS;
    try {
      line.value = { values: slots(await this.#load(point, { fromMs, toMs }), fromMs) };
    } catch {
      // A line is context, not a reading: without it the tile stays as it is and tries again in a minute.
      line.value ??= null;
    }
  }
}

/** Buckets into their places; a place without a good value stays empty. */
export function slots(buckets: readonly Bucket[], fromMs: number): (number | null)[] {
  const values: (number | null)[] = Array.from({ length: SPARK_POINTS }, () => null);
  for (const { at, mean } of buckets) {
    const place = Math.floor((at - fromMs) / SPARK_STEP_MS);
    if (place >= 0 && place < SPARK_POINTS) values[place] = mean;
  }
  return values;
}

/** Adds lines; a place counts only where every line has a value. */
export function sumLines(lines: readonly (SparkLine | null)[]): SparkLine | null {
  const known = lines.filter((line) => line !== null);
  if (known.length === 0 || known.length !== lines.length) return null;
  const values = Array.from({ length: SPARK_POINTS }, (_, i) => {
    const parts = known.map((line) => line.values[i] ?? null);
    return parts.includes(null) ? null : parts.reduce<number>((sum, v) => sum + (v ?? 0), 0);
  });
  return { values };
}
