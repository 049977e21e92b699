import type { Clock } from "../../../contract/clock.ts";

const EVERY_MS = 2_000;

/** Tells how a long piece of work gets on: what, percent, rate and time left, every two seconds. */
export class ProgressMeter {
  readonly #clock: Clock;
  readonly #tell: (line: string) => void;
  readonly #startMs: number;
  readonly #startShare: number;
  #toldMs: number;
  #rows = 0;

  /** `share`: how much was done before, 0…1. */
  constructor(clock: Clock, tell: (line: string) => void, share: number) {
    this.#clock = clock;
    this.#tell = tell;
    this.#startMs = clock.monoMs();
    this.#toldMs = this.#startMs;
    this.#startShare = share;
  }

  /** `rows` more are done, which makes a share of 0…1 of the whole. */
  done(what: string, rows: number, share: number): void {
    this.#rows += rows;
    const now = this.#clock.monoMs();
    if (now - this.#toldMs < EVERY_MS) return;
    this.#toldMs = now;
    const tookMs = now - this.#startMs;
    const gained = share - this.#startShare;
    const left = gained > 0 ? `about ${spoken((tookMs / gained) * (1 - share))} left` : "";
    const rate = Math.round(this.#rows / (tookMs / 1_000)).toLocaleString("en");
    this.#tell(`${what}: ${(share * 100).toFixed(1)} %, ${rate} rows/s, ${left}`);
  }

  get rows(): number {
    return this.#rows;
  }
}

function spoken(ms: number): string {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  return seconds < 5_400 ? `${Math.ceil(seconds / 60)} min` : `${(seconds / 3_600).toFixed(1)} h`;
}
