import { staleAfterMs } from "../../contract/reading.ts";

/** What the watchdog looks at. Times in ms of one monotonic clock. */
export interface Vitals {
  nowMs: number;
  /** The longest the program's loop was held up since the last look. */
  lagMs: number;
  loops: readonly LoopVitals[];
  /** When the spool last had nothing pending, or committed something. */
  spoolProgressMs: number;
  commitEveryMs: number;
}

/** A loop gives a sample for every point in every period, a bad one when it must; silence is a hang. */
export interface LoopVitals {
  bus: string;
  periodMs: number;
  progressMs: number;
}

export type Judgement = { alive: true } | { alive: false; why: string };

export const MOST_LAG_MS = 2_000;
/** However short the commit window, a busy disk is given this long. */
const LEAST_SPOOL_MS = 30_000;

/**
 * Whether the program really works. A dead sensor or bus is none of its business: their loops go on and
 * say so. A loop that stands still, a blocked program or a spool that no longer commits is.
 */
export function judge(vitals: Vitals): Judgement {
  const { nowMs, lagMs, loops, spoolProgressMs, commitEveryMs } = vitals;
  if (lagMs >= MOST_LAG_MS) return dead(`the program was blocked for ${seconds(lagMs)}`);
  for (const { bus, periodMs, progressMs } of loops) {
    const silentMs = nowMs - progressMs;
    if (silentMs > staleAfterMs(periodMs))
      return dead(`bus ${bus} gave nothing, not even a failure, for ${seconds(silentMs)}`);
  }
  const pendingMs = nowMs - spoolProgressMs;
  if (pendingMs > Math.max(3 * commitEveryMs, LEAST_SPOOL_MS))
    return dead(`the spool has committed nothing for ${seconds(pendingMs)}`);
  return { alive: true };
}

const dead = (why: string): Judgement => ({ alive: false, why });
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;
