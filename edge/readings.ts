import type { Logger } from "pino";
import type { Clock, EpochMs } from "../contract/clock.ts";
import type { PointInfo, SpoolEvent } from "../contract/message.ts";
import { QUANTITIES } from "../contract/quantity.ts";
import { bad, type Measurement, type Reading, uncertain } from "../contract/reading.ts";
import type { Sample, Sink } from "./poll/loop.ts";
import type { Spool, Taken } from "./spool/spool.ts";

/** A wall clock that went back by more than this was wrong before, and its stamps bind no longer. */
const REWIND_MS = 60_000;
/** So many readings are never kept waiting for the next commit window. */
const MAX_PENDING = 5_000;

/** Whether the wall clock can be trusted now. */
export type ClockState = "synced" | "unsynced";

/** Monotonic time counted from the machine's boot, so that it can be compared across program starts. */
export interface Boot {
  id: string;
  /** Add to `Clock.monoMs()`. */
  baseMs: number;
}

export interface ReadingsDeps {
  points: readonly PointInfo[];
  spool: Spool;
  clock: Clock;
  clockState: () => ClockState;
  boot: Boot;
  log: Logger;
  /** The spool could not keep something: the program must end and be started again. */
  fatal: (error: unknown) => void;
}

/** Newest first in time, and what a listener must know about each arrival. */
export interface Readings {
  /** For bus loops. */
  readonly sink: Sink;
  /** As `sink`, for contacts: listeners are told that it cannot wait. */
  readonly urgent: Sink;
  /** Durable on return. Throws when the disk refuses. */
  event(event: SpoolEvent): void;
  /** The newest reading of every point that has one. */
  newest(): Iterable<Reading>;
  taken(): Taken;
  onReading(listener: (reading: Reading, urgent: boolean) => void): void;
  onEvent(listener: () => void): void;
}

/** Stamps samples, doubts implausible ones, and passes them to the spool and to the live lane. */
export function createReadings(deps: ReadingsDeps): Readings {
  const { spool, clock, clockState, boot, log } = deps;
  const points = new Map(deps.points.map((point) => [point.id, point]));
  const newest = new Map<string, Reading>();
  const onReading: ((reading: Reading, urgent: boolean) => void)[] = [];
  const onEvent: (() => void)[] = [];
  const strangers = new Set<string>();

  const taken = (): Taken => ({
    monoMs: clock.monoMs() + boot.baseMs,
    synced: clockState() === "synced",
  });

  function take(sample: Sample, stamp: Taken, urgent: boolean): void {
    const info = points.get(sample.point);
    if (!info) {
      if (!strangers.has(sample.point))
        log.error({ point: sample.point }, "reading of a point that was never announced dropped");
      strangers.add(sample.point);
      return;
    }
    const measurement = plausible(sample.measurement, info);
    const at = nextStamp(clock.nowMs(), newest.get(info.id)?.at);
    const reading: Reading = { point: info.id, at, ...measurement };
    spool.addReading(reading, stamp);
    const shown: Reading = stamp.synced ? reading : { point: info.id, at, ...doubted(measurement) };
    newest.set(info.id, shown);
    for (const listener of onReading) listener(shown, urgent);
  }

  const sink =
    (urgent: boolean): Sink =>
    (samples) => {
      try {
        const stamp = taken();
        for (const sample of samples) take(sample, stamp, urgent);
        if (spool.pending >= MAX_PENDING) spool.commit();
      } catch (error) {
        deps.fatal(error);
      }
    };

  return {
    sink: sink(false),
    urgent: sink(true),
    event(event) {
      spool.addEvent(event, taken());
      for (const listener of onEvent) listener();
    },
    newest: () => newest.values(),
    taken,
    onReading: (listener) => onReading.push(listener),
    onEvent: (listener) => onEvent.push(listener),
  };
}

/** The time to stamp: now, but later than the point's last stamp unless the clock was set back by more than a minute. */
export function nextStamp(now: EpochMs, last: EpochMs | undefined): EpochMs {
  const at = Math.round(now);
  return last === undefined || at > last || last - at > REWIND_MS ? at : last + 1;
}

/** Doubts a value outside the point's range or its quantity's; a value that is no number is none at all. */
export function plausible(measurement: Measurement, info: PointInfo): Measurement {
  if (measurement.quality === "bad") return measurement;
  const { value } = measurement;
  if (!Number.isFinite(value)) return bad("not-available");
  const quantity = QUANTITIES[info.quantity];
  const min = Math.max(quantity.min, info.min ?? -Infinity);
  const max = Math.min(quantity.max, info.max ?? Infinity);
  return value < min || value > max ? uncertain(value, "implausible") : measurement;
}

/** While the clock is not set, a value must not be judged: nobody can say how old it is. */
function doubted(measurement: Measurement): Measurement {
  return measurement.quality === "good" ? uncertain(measurement.value, "clock") : measurement;
}
