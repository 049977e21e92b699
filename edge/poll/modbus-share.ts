import type { Clock } from "../../contract/clock.ts";

/** What brings no answer may use one part of the line's time in five: each try is followed by four times its cost. */
const REST_FACTOR = 4;

/** Keeps what stays unanswered to its fifth of a line's time. */
export class SilentShare {
  readonly #clock: Clock;
  #spentUntilMs = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nothing may be asked now that is likely to stay unanswered. */
  isSpent(): boolean {
    return this.#clock.monoMs() < this.#spentUntilMs;
  }

  /** Something that began at `startedMs` and ends now brought nothing. */
  charge(startedMs: number): void {
    const now = this.#clock.monoMs();
    this.#spentUntilMs = Math.max(this.#spentUntilMs, now) + REST_FACTOR * (now - startedMs);
  }
}
