import type { Clock, EpochMs } from "../contract/clock.ts";

interface Sleeper {
  wakeAt: number;
  wake: () => void;
}

/** A clock that stands still until a test moves it. Wall and monotonic time can be told apart by `stepWall`. */
export class FakeClock implements Clock {
  #mono = 0;
  #wall: EpochMs;
  #sleepers: Sleeper[] = [];

  constructor(startMs: EpochMs = Date.UTC(2026, 0, 1)) {
    this.#wall = startMs;
  }

  nowMs = (): EpochMs => this.#wall;
  monoMs = (): number => this.#mono;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      const sleeper: Sleeper = { wakeAt: this.#mono + Math.max(0, ms), wake: finish };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", finish);
    });

  /** Moves both clocks, waking sleepers in order and letting what they started run between. */
  async advance(ms: number): Promise<void> {
    const end = this.#mono + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers
        .filter((sleeper) => sleeper.wakeAt <= end)
        .sort((a, b) => a.wakeAt - b.wakeAt)[0];
      if (!next) break;
      this.#moveTo(Math.max(this.#mono, next.wakeAt));
      next.wake();
      await settle();
    }
    this.#moveTo(end);
  }

  /** Steps the wall clock only, as a time service does. */
  stepWall(ms: number): void {
    this.#wall += ms;
  }

  #moveTo(mono: number): void {
    this.#wall += mono - this.#mono;
    this.#mono = mono;
  }
}

/** Lets everything that is ready run. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i += 1) await new Promise((resolve) => setImmediate(resolve));
}
