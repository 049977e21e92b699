import type { Clock } from "../../contract/clock.ts";

/** How far a long piece of work is. */
export interface ProgressState {
  what: string;
  done: number;
  total: number;
  /** Steps a second so far; 0 before the first second has passed. */
  ratePerS: number;
  /** Undefined while it cannot be told yet. */
  leftS: number | undefined;
}

const TELL_EVERY_MS = 250;

/** Counts steps and tells at most four times a second. */
export class Progress {
  readonly #clock: Clock;
  readonly #tell: (state: ProgressState) => void;
  readonly #startMs: number;
  #toldMs = -Infinity;
  #what = "";
  #done = 0;
  #total: number;

  constructor(clock: Clock, total: number, tell: (state: ProgressState) => void) {
    this.#clock = clock;
    this.#total = total;
    this.#tell = tell;
    this.#startMs = clock.monoMs();
  }

  /** One step was done, or several. */
  step(what: string, steps = 1): void {
    this.#what = what;
    this.#done = Math.min(this.#done + steps, this.#total);
    const now = this.#clock.monoMs();
    if (now - this.#toldMs < TELL_EVERY_MS) return;
    this.#toldMs = now;
    this.#tell(this.state());
  }

  /** Work that was planned turned out to be unnecessary. */
  skip(steps: number): void {
    this.#total = Math.max(this.#done, this.#total - steps);
  }

  /** Work that was not planned has turned up. */
  add(steps: number): void {
    this.#total += steps;
  }

  state(): ProgressState {
    const passedS = (this.#clock.monoMs() - this.#startMs) / 1_000;
    const ratePerS = passedS < 1 ? 0 : this.#done / passedS;
    const leftS = ratePerS > 0 ? (this.#total - this.#done) / ratePerS : undefined;
    return { what: this.#what, done: this.#done, total: this.#total, ratePerS, leftS };
  }
}

/** `RS-485 ttyUSB0 9600 8N1 unit 4   38 %   7/s   12 s left` */
export function progressText({ what, done, total, ratePerS, leftS }: ProgressState): string {
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const rate = ratePerS >= 10 ? ratePerS.toFixed(0) : ratePerS.toFixed(1);
  const left = leftS === undefined ? "" : `   ${durationText(leftS)} left`;
  return `${what}   ${percent} %   ${rate}/s${left}`;
}

export function durationText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 120) return `${whole} s`;
  return whole < 7_200 ? `${Math.ceil(whole / 60)} min` : `${Math.ceil(whole / 3_600)} h`;
}
