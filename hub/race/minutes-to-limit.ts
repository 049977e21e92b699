import type { EpochMs } from "../../contract/clock.ts";
import { quantile, type Sample, slopeCPerMin } from "./slope.ts";

/**
 * How quickly a rise bends, as a share per minute: positive flattens out, negative gets steeper, 0 is a
 * straight line. The room's constant: `low` and `high` hold nine of ten rises seen in it.
 */
export interface Bend {
  low: number;
  usual: number;
  high: number;
}

/** Until a room has been seen to warm: a straight line, and generous about both ends. */
export const UNKNOWN_ROOM: Bend = { low: -0.25, usual: 0, high: 0.5 };

export type Forecast =
  | { kind: "crossed" }
  | { kind: "rising"; minutes: number; earliest: number; latest: number | null }
  /** `why` in words: nothing is known, or it does not rise. */
  | { kind: "none"; why: string };

/** The rise is taken from this much of the newest past; from more, when readings are rare. */
export const WINDOW_MS = 120_000;
export const windowMsFor = (periodMs: number): number => Math.max(WINDOW_MS, 8 * periodMs);
const LEAST_SAMPLES = 6;
/** A rise slower than this per minute is no race; it is also about what a sensor's noise can feign. */
const LEAST_RISE_C = 0.05;
/** The late end is never nearer to the forecast than this. */
const LEAST_SPARE_MIN = 0.25;
const SPARE_SHARE = 0.15;
/** A forecast further ahead than this is none. */
export const FURTHEST_MIN = 240;
const MINUTE_MS = 60_000;

export interface Question {
  limitC: number;
  bend: Bend;
  now: EpochMs;
  windowMs?: number;
}

/** Minutes until `limitC`, were nothing done. `samples` are good readings in the order of their times. */
export function forecast(
  samples: readonly Sample[],
  { limitC, bend, now, windowMs = WINDOW_MS }: Question,
): Forecast {
  const recent = samples.filter(({ at }) => at > now - windowMs && at <= now);
  const last = recent.at(-1);
  if (!last || recent.length < LEAST_SAMPLES || last.at - recent[0]!.at < windowMs / 2)
    return { kind: "none", why: "not known: too few readings of late" };
  if (last.valueC > limitC) return { kind: "crossed" };
  const half = (recent[0]!.at + last.at) / 2;
  const older = slopeCPerMin(recent.filter(({ at }) => at <= half));
  const newer = slopeCPerMin(recent.filter(({ at }) => at >= half));
  if (older === null || newer === null)
    return { kind: "none", why: "not known: too few readings of late" };
  if (newer < LEAST_RISE_C) return { kind: "none", why: "not rising" };
  const noise = noiseCPerMin(recent, newer);
  const gapC = limitC - levelC(recent, newer);
  // What got steeper during the window may be steeper still by now.
  const steep = newer + Math.max(0, newer - older) + noise;
  const gentle = Math.max(LEAST_RISE_C / 2, Math.min(newer, (older + newer) / 2) - noise);
  const sinceMin = (now - last.at) / MINUTE_MS;
  const minutes = minutesOf(gapC, newer, bend.usual) ?? minutesOf(gapC, newer, 0);
  const earliest = minutesOf(gapC, steep, bend.low);
  const latest = minutesOf(gapC, gentle, bend.high);
  if (minutes === null || minutes > FURTHEST_MIN || earliest === null)
    return { kind: "none", why: "rising so slowly that it takes more than four hours" };
  return {
    kind: "rising",
    minutes: Math.max(0, minutes - sinceMin),
    earliest: Math.max(0, Math.min(earliest, minutes) - sinceMin),
    latest:
      latest === null || latest > FURTHEST_MIN
        ? null
        : Math.max(latest, minutes + Math.max(LEAST_SPARE_MIN, SPARE_SHARE * minutes)) - sinceMin,
  };
}

/** Where the rise is at its newest sample, without that sample's own noise. */
function levelC(samples: readonly Sample[], slope: number): number {
  const last = samples.at(-1)!;
  const newest = samples.slice(-LEAST_SAMPLES);
  const lifted = newest.map(({ at, valueC }) => valueC - (slope * (at - last.at)) / MINUTE_MS);
  return quantile(lifted, 0.5);
}

/** When a rise that starts with `slope` and bends at `bend` a minute has covered `gapC`; null: never. */
export function minutesOf(gapC: number, slope: number, bend: number): number | null {
  if (gapC <= 0) return 0;
  if (slope <= 0) return null;
  if (Math.abs(bend) < 1e-6) return gapC / slope;
  const rest = 1 - (gapC * bend) / slope;
  return rest <= 0 ? null : -Math.log(rest) / bend;
}

/** How much of the slope may be noise: the scatter around the line, over the span it was taken from. */
function noiseCPerMin(samples: readonly Sample[], slope: number): number {
  const first = samples[0]!;
  const last = samples.at(-1)!;
  const spanMin = (last.at - first.at) / 2 / MINUTE_MS;
  const newest = samples.slice(Math.floor(samples.length / 2));
  const off = newest.map(
    ({ at, valueC }) => valueC - last.valueC - (slope * (at - last.at)) / MINUTE_MS,
  );
  const mean = off.reduce((sum, value) => sum + value, 0) / off.length;
  const scatter = Math.sqrt(off.reduce((sum, value) => sum + (value - mean) ** 2, 0) / off.length);
  return (3.5 * scatter) / (spanMin * Math.sqrt(off.length));
}

/** How quickly the rise bent between the two halves of the window; null when it did not rise clearly. */
export function bendOf(
  samples: readonly Sample[],
  now: EpochMs,
  windowMs = WINDOW_MS,
): number | null {
  const older = samples.filter(({ at }) => at > now - 2 * windowMs && at <= now - windowMs);
  const newer = samples.filter(({ at }) => at > now - windowMs && at <= now);
  if (Math.min(older.length, newer.length) < LEAST_SAMPLES) return null;
  const old = slopeCPerMin(older) ?? 0;
  const fresh = slopeCPerMin(newer) ?? 0;
  if (old < 4 * LEAST_RISE_C || fresh < 2 * LEAST_RISE_C) return null;
  return (Math.log(old / fresh) * MINUTE_MS) / windowMs;
}
