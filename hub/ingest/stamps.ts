import type { EpochMs } from "../../contract/clock.ts";
import { TIER_KEPT_MS } from "../history/aggregate.ts";

/** A stamp further ahead of the hub's clock is wrong; InfluxDB would take it and never show it. */
export const FUTURE_MS = 5 * 60_000;
/** A stamp before this, when no Plenum ran anywhere, comes from a node that did not know the time. */
export const EARLIEST_AT = Date.UTC(2025, 0, 1);

export const AHEAD = "time is more than 5 minutes in the future";
export const TOO_OLD = "time is longer ago than readings are kept";
export const UNSET = "time is before 2025: the clock was not set";

/** Why a reading of this time may not be stored at `now`; undefined when it may. */
export function whyNotStamp(at: EpochMs, now: EpochMs): string | undefined {
  if (at > now + FUTURE_MS) return AHEAD;
  if (at < EARLIEST_AT) return UNSET;
  return at < now - TIER_KEPT_MS.raw ? TOO_OLD : undefined;
}
