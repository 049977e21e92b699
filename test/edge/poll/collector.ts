import { pino } from "pino";
import type { Sample, Sink } from "../../../edge/poll/loop.ts";
import type { FakeClock } from "../../fake-clock.ts";

export interface Taken extends Sample {
  atMs: number;
}

/** Keeps every sample with the time it came, and every log line. */
export function collector(clock: FakeClock) {
  const taken: Taken[] = [];
  const lines: string[] = [];
  const sink: Sink = (samples) => {
    for (const sample of samples) taken.push({ ...sample, atMs: clock.monoMs() });
  };
  const log = pino({ level: "info" }, { write: (line) => void lines.push(JSON.parse(line).msg) });
  return {
    sink,
    log,
    lines,
    taken,
    /** Values or reasons of one point, in order. */
    of: (point: string) =>
      taken
        .filter((sample) => sample.point === point)
        .map(({ measurement: m }) => (m.quality === "bad" ? m.reason : m.value)),
    times: (point: string) => taken.filter((s) => s.point === point).map(({ atMs }) => atMs),
  };
}
