import type { Logger } from "pino";
import type { Clock, EpochMs } from "../contract/clock.ts";
import type { PointInfo, SpoolEvent } from "../contract/message.ts";
import { QUANTITIES } from "../contract/quantity.ts";
import { bad, type Measurement, type Reading, uncertain } from "../contract/reading.ts";
import type { Sample, Sink } from "./poll/loop.ts";
import type { Spool, Taken } from "./spool/spool.ts";
import { judgeTruth, type TruthRules, type TruthState } from "./truth/truth.ts";

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
  /** Which doubts fit which point; one without has none. */
  truth: ReadonlyMap<string, TruthRules>;
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
  /** Steps of temperatures that did not last, since the start: loose wires, interference. */
  spikes(): number;
  taken(): Taken;
  /** As the hub's live lane shows it: in doubt while the clock is not set. */
  onReading(listener: (reading: Reading, urgent: boolean) => void): void;
  /** As it was measured: what a local rule judges needs no right clock. */
  onMeasured(listener: (reading: Reading) => void): void;
  onEvent(listener: () => void): void;
}

/** Stamps samples, doubts implausible ones, and passes them to the spool and to the live lane. */
export function createReadings(deps: ReadingsDeps): Readings {
  const { spool, clock, clockState, boot, log } = deps;
  const points = new Map(deps.points.map((point) => [point.id, point]));
  const newest = new Map<string, Reading>();
  const stamps = new Map<string, Stamp>();
  const doubts = new Map<string, TruthState>();
  let spikes = 0;
  const onReading: ((reading: Reading, urgent: boolean) => void)[] = [];
  const onMeasured: ((reading: Reading) => void)[] = [];
  const onEvent: (() => void)[] = [];
  const strangers = new Set<string>();

  const taken = (): Taken => ({
    monoMs: clock.monoMs() + boot.baseMs,
    synced: clockState() === "synced",
  });

  function believed(measurement: Measurement, point: string): Measurement {
    const rules = deps.truth.get(point);
    if (!rules) return measurement;
    const judged = judgeTruth(doubts.get(point) ?? {}, rules, measurement, clock.monoMs());
    doubts.set(point, judged.state);
    if (judged.spike) spikes += 1;
    return judged.measurement;
  }

  function take(sample: Sample, stamp: Taken, urgent: boolean): void {
    const info = points.get(sample.point);
    if (!info) {
      if (!strangers.has(sample.point))
        log.error({ point: sample.point }, "reading of a point that was never announced dropped");
      strangers.add(sample.point);
      return;
    }
    const measurement = believed(plausible(sample.measurement, info), info.id);
    const own = pointStamp(clock.nowMs(), stamp, stamps.get(info.id));
    stamps.set(info.id, own);
    const { at, synced } = own;
    const reading: Reading = { point: info.id, at, ...measurement };
    spool.addReading(reading, own);
    const shown: Reading = synced ? reading : { point: info.id, at, ...doubted(measurement) };
    newest.set(info.id, shown);
    for (const listener of onReading) listener(shown, urgent);
    for (const listener of onMeasured) listener(reading);
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
    spikes: () => spikes,
    taken,
    onReading: (listener) => onReading.push(listener),
    onMeasured: (listener) => onMeasured.push(listener),
    onEvent: (listener) => onEvent.push(listener),
  };
}

type Stamp = Taken & { at: EpochMs };

/**
 * The next stamp of a point. Both times rise strictly: the wall time as it is sent when the clock is
 * right, the monotonic one because it becomes the time sent when the clock is set later. A stamp taken
 * before the clock was set does not bind those after it: it will itself be put right.
 */
export function pointStamp(now: EpochMs, taken: Taken, last: Stamp | undefined): Stamp {
  const bound = last?.synced === taken.synced ? last.at : undefined;
  const mono = Math.round(taken.monoMs);
  return {
    at: nextStamp(now, bound),
    monoMs: last && mono <= last.monoMs ? last.monoMs + 1 : mono,
    synced: taken.synced,
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
