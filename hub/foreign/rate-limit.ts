import type { Clock } from "../../contract/clock.ts";

/** A bucket that holds `atOnce` and gains `perS` each second. */
export class RateLimit {
  readonly #rate: { perS: number; atOnce: number };
  readonly #clock: Pick<Clock, "monoMs">;
  #left: number;
  #atMs: number;

  constructor(rate: { perS: number; atOnce: number }, clock: Pick<Clock, "monoMs">) {
    this.#rate = rate;
    this.#clock = clock;
    this.#left = rate.atOnce;
    this.#atMs = clock.monoMs();
  }

  /** False when there are too many. */
  take(): boolean {
    const now = this.#clock.monoMs();
    const gained = ((now - this.#atMs) / 1_000) * this.#rate.perS;
    this.#left = Math.min(this.#rate.atOnce, this.#left + gained);
    this.#atMs = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
