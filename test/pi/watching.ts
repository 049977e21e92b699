import type { Reading } from "../../contract/reading.ts";
import { until } from "../system/until.ts";
import type { Recorder } from "./recorder.ts";

/** The longest back-off of a bus or device (60 s), and what delivery takes on top. */
export const RECOVERY_MS = 90_000;

/** Waits for the newest reading of a point to be as wanted. */
export async function newest(
  recorder: Recorder,
  point: string,
  wanted: (reading: Reading) => boolean,
): Promise<Reading> {
  let seen: Reading | undefined;
  const look = () => {
    seen = recorder.of(point).at(-1);
    return seen && wanted(seen) && seen;
  };
  try {
    return await until(point, look, RECOVERY_MS);
  } catch (error) {
    throw new Error(`${String(error)}; the newest reading is ${JSON.stringify(seen)}`);
  }
}

/** Waits for the point's newest reading to be good and within `tolerance` of `value`. */
export function newestValue(
  recorder: Recorder,
  point: string,
  value: number,
  tolerance = 0.01,
): Promise<Reading> {
  return newest(
    recorder,
    point,
    (reading) => reading.quality === "good" && Math.abs(reading.value - value) <= tolerance,
  );
}

export const isBad = (reason?: string) => (reading: Reading) =>
  reading.quality === "bad" && (reason === undefined || reading.reason === reason);

/** Reasons from the first bad one of these readings on. Throws when a later one has a value. */
export function reasonsWithoutValue(readings: Reading[]): Set<string> {
  const bad = readings.slice(readings.findIndex(({ quality }) => quality === "bad"));
  return new Set(
    bad.map((reading) => {
      if (reading.quality === "bad") return reading.reason;
      throw new Error(`a value during the fault: ${JSON.stringify(reading)}`);
    }),
  );
}

/** Throws unless every reading is good and none is missing between them. */
export function allGoodAndOnTime(readings: Reading[], periodMs: number): void {
  for (const [i, reading] of readings.entries()) {
    if (reading.quality !== "good") throw new Error(`not good: ${JSON.stringify(reading)}`);
    const gapMs = reading.at - (readings[i - 1]?.at ?? reading.at);
    if (gapMs > 1.5 * periodMs)
      throw new Error(`${reading.point} has a hole of ${gapMs} ms before ${reading.at}`);
  }
}

/** Throws what the recorder found wrong with the lines it got. */
export function noComplaints(recorder: Recorder): string {
  if (recorder.complaints.length > 0) throw new Error(recorder.complaints.join("\n"));
  return `${recorder.readings.length} readings, ${recorder.events.length} events`;
}
