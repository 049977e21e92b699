import { type LineSpeed, readMs, silenceMs } from "../../bus/modbus-timing.ts";
import { planRequests, type ReadRequest } from "../plan.ts";
import { ONCE, type Profile } from "../schema.ts";
import { stationsOf } from "../stations.ts";

/** One request of a device's full scan, with the time it takes on a serial line. */
export interface PlannedRead extends ReadRequest {
  unit: number;
  /** Request, answer and the silence after it, without the device's own time to answer. */
  lineMs: number;
}

/** Everything that a device of this profile is asked again and again, at its usual unit number. */
export function linePlan(profile: Profile, speed: LineSpeed): PlannedRead[] {
  const gapMs = Math.max(silenceMs(speed.baud), profile.limits.minGapMs);
  return stationsOf(profile, profile.link.unit).flatMap(({ unit, profile: part }) =>
    planRequests(part)
      .filter((request) => request.class !== ONCE)
      .map((request) => ({ ...request, unit, lineMs: readMs(request, speed) + gapMs })),
  );
}

/** Which part of a line's time one device takes, from 0 to 1 and beyond. */
export function lineShare(profile: Profile, speed: LineSpeed): number {
  return linePlan(profile, speed).reduce((sum, read) => {
    const everyMs = profile.classes[read.class] ?? Number.POSITIVE_INFINITY;
    return sum + read.lineMs / everyMs;
  }, 0);
}

/** The line as the profile's maker delivers it, at another speed when `baud` says so. */
export function speedOf({ link }: Profile, baud?: number): LineSpeed {
  const { rtu = { baud: 9_600, parity: "none", stop: 1 } as const } = link;
  return { ...rtu, baud: baud ?? rtu.baud };
}
