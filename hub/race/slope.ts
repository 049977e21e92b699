import type { EpochMs } from "../../contract/clock.ts";

export interface Sample {
  at: EpochMs;
  valueC: number;
}

const MINUTE_MS = 60_000;
/** Pairs that are compared at most; of more samples every second, third, … is taken. */
const MAX_SAMPLES = 30;

/**
 * The slope in °C per minute that half of all pairs of samples exceed (Theil–Sen): one wild value does
 * not move it. Null for fewer than two samples at different times.
 */
export function slopeCPerMin(samples: readonly Sample[]): number | null {
  const step = Math.ceil(samples.length / MAX_SAMPLES);
  const used = samples.filter((_, i) => i % step === 0);
  const slopes: number[] = [];
  for (let i = 0; i < used.length; i += 1)
    for (let j = i + 1; j < used.length; j += 1) {
      const minutes = (used[j]!.at - used[i]!.at) / MINUTE_MS;
      if (minutes > 0) slopes.push((used[j]!.valueC - used[i]!.valueC) / minutes);
    }
  return slopes.length === 0 ? null : quantile(slopes, 0.5);
}

/** Linear between neighbours; `values` must not be empty. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) * share;
  const low = sorted[Math.floor(at)]!;
  const high = sorted[Math.ceil(at)]!;
  return low + (high - low) * (at - Math.floor(at));
}
