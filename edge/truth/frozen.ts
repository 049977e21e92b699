/** So many equal values, over so long, are no measurement: every analogue chip has noise in its last bit. */
export const FROZEN_SAMPLES = 30;
export const FROZEN_MS = 15 * 60_000;

/** The value a point shows again and again. */
export interface Run {
  value: number;
  sinceMs: number;
  count: number;
}

/** Counts one more value. `nowMs` is monotonic. */
export function continueRun(run: Run | undefined, value: number, nowMs: number): Run {
  return run?.value === value
    ? { ...run, count: run.count + 1 }
    : { value, sinceMs: nowMs, count: 1 };
}

export function isFrozen(run: Run, nowMs: number): boolean {
  return run.count >= FROZEN_SAMPLES && nowMs - run.sinceMs >= FROZEN_MS;
}
