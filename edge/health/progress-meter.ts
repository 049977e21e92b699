import type { Clock } from "../../contract/clock.ts";
import type { Sink } from "../poll/loop.ts";
import type { Spool } from "../spool/spool.ts";
import type { LoopVitals } from "./judge.ts";

const LAG_EVERY_MS = 200;

/** A point, the bus it comes over, and how often. */
export interface MeteredPoint {
  point: string;
  bus: string;
  periodMs: number;
}

/** Remembers when each bus loop last gave a sample, good or bad. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #busOf: ReadonlyMap<string, string>;
  readonly #loops: Map<string, { periodMs: number; progressMs: number }>;

  /** A bus is held to the shortest period of its points. */
  constructor(points: readonly MeteredPoint[], clock: Clock) {
    this.#clock = clock;
    this.#busOf = new Map(points.map(({ point, bus }) => [point, bus]));
    this.#loops = new Map();
    for (const { bus, periodMs } of points) {
      const shortest = Math.min(periodMs, this.#loops.get(bus)?.periodMs ?? periodMs);
      this.#loops.set(bus, { periodMs: shortest, progressMs: clock.monoMs() });
    }
  }

  /** The same sink; what passes through it counts as progress of its bus. */
  through(sink: Sink): Sink {
    return (samples) => {
      for (const { point } of samples) {
        const loop = this.#loops.get(this.#busOf.get(point) ?? "");
        if (loop) loop.progressMs = this.#clock.monoMs();
      }
      sink(samples);
    };
  }

  loops(): LoopVitals[] {
    return [...this.#loops].map(([bus, vitals]) => ({ bus, ...vitals }));
  }
}

/** Sees from outside whether the spool commits: pending readings go, or the last sequence grows. */
export class SpoolMeter {
  readonly #spool: Pick<Spool, "pending" | "last">;
  readonly #clock: Clock;
  #last: number;
  #progressMs: number;

  constructor(spool: Pick<Spool, "pending" | "last">, clock: Clock) {
    this.#spool = spool;
    this.#clock = clock;
    this.#last = spool.last;
    this.#progressMs = clock.monoMs();
  }

  /** When it last worked, as far as the looks show; at least one look per commit window is needed. */
  look(): number {
    const { pending, last } = this.#spool;
    if (pending === 0 || last !== this.#last) this.#progressMs = this.#clock.monoMs();
    this.#last = last;
    return this.#progressMs;
  }
}

/** Measures how long the program's loop is held up, by how late it wakes. */
export class LagMeter {
  readonly #clock: Clock;
  #longestMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The longest time in ms since the last call. */
  take(): number {
    const longestMs = this.#longestMs;
    this.#longestMs = 0;
    return longestMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const beganMs = this.#clock.monoMs();
      await this.#clock.sleep(LAG_EVERY_MS, signal);
      const lagMs = this.#clock.monoMs() - beganMs - LAG_EVERY_MS;
      this.#longestMs = Math.max(this.#longestMs, lagMs);
    }
  }
}
