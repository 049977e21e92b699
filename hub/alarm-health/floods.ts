import type { EpochMs } from "../../contract/clock.ts";

export const TEN_MINUTES_MS = 600_000;
/** A flood begins when more than this came within ten minutes … */
export const FLOOD_ABOVE = 10;
/** … and is over once fewer than this came within ten minutes. */
export const FLOOD_BELOW = 5;

export interface Flood {
  from: EpochMs;
  to: EpochMs;
  alarms: number;
}

/** How many came within the last `windowMs`; what came exactly that long ago does not count any more. */
export class SlidingCount {
  readonly #windowMs: number;
  #times: EpochMs[] = [];
  #first = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  get count(): number {
    return this.#times.length - this.#first;
  }

  /** When the oldest one leaves the window. */
  leavesAt(): EpochMs | undefined {
    const oldest = this.#times[this.#first];
    return oldest === undefined ? undefined : oldest + this.#windowMs;
  }

  add(at: EpochMs): number {
    this.#times.push(at);
    while ((this.leavesAt() ?? Infinity) <= at) this.drop();
    return this.count;
  }

  drop(): void {
    this.#first += 1;
    if (this.#first < 1_000) return;
    this.#times = this.#times.slice(this.#first);
    this.#first = 0;
  }
}

/** Finds the stretches in which more alarms come than anybody can read. Times come in order. */
export class FloodFinder {
  readonly #window = new SlidingCount(TEN_MINUTES_MS);
  readonly #found: Flood[] = [];
  #now: { from: EpochMs; alarms: number } | null = null;
  #highest = 0;

  /** The most within any ten minutes so far. */
  get highest(): number {
    return this.#highest;
  }

  /** Forgets the highest count, not the flood: what came before was only looked at for it. */
  forgetHighest(): void {
    this.#highest = 0;
  }

  add(at: EpochMs): void {
    this.#passTo(at - 1);
    // What leaves at this very moment is made up for by what comes now.
    const count = this.#window.add(at);
    this.#highest = Math.max(this.#highest, count);
    if (this.#now) {
      this.#now.alarms += 1;
      if (count < FLOOD_BELOW) this.#end(at);
    } else if (count > FLOOD_ABOVE) this.#now = { from: at, alarms: count };
  }

  /** All floods up to `end`; the one that lasts is cut there. */
  until(end: EpochMs): Flood[] {
    this.#passTo(end);
    const lasting = this.#now ? [{ ...this.#now, to: end }] : [];
    return [...this.#found, ...lasting];
  }

  #passTo(at: EpochMs): void {
    for (;;) {
      const leavesAt = this.#window.leavesAt();
      if (leavesAt === undefined || leavesAt > at) return;
      this.#window.drop();
      if (this.#window.count < FLOOD_BELOW) this.#end(leavesAt);
    }
  }

  #end(to: EpochMs): void {
    if (this.#now) this.#found.push({ ...this.#now, to });
    this.#now = null;
  }
}
