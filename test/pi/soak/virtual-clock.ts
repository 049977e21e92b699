import type { Clock, EpochMs } from "../../../contract/clock.ts";

/** So many turns of the event loop without work under way, and nothing more will happen by itself. */
const QUIET_TURNS = 2;

interface Sleeper {
  wakeAtMs: number;
  wake: () => void;
}

/**
 * A clock that leaps to the next moment somebody waits for, as soon as no work is under way. Work is
 * whatever was announced by `during`: talks with other processes, which take real time.
 */
export class VirtualClock implements Clock {
  #monoMs = 0;
  #stepMs = 0;
  #working = 0;
  #onIdle = () => {};
  readonly #startMs: EpochMs;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs: EpochMs) {
    this.#startMs = startMs;
  }

  nowMs = (): EpochMs => this.#startMs + this.#monoMs + this.#stepMs;
  monoMs = (): number => this.#monoMs;

  sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const wake = () => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { wakeAtMs: this.#monoMs + Math.max(0, ms), wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake);
    });

  /** Time stands still until this work is done. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.#working += 1;
    try {
      return await work;
    } finally {
      this.#working -= 1;
      if (this.#working === 0) this.#onIdle();
    }
  }

  /** Steps the wall clock only, as a time service does. */
  stepWall(ms: number): void {
    this.#stepMs += ms;
  }

  /** Lets so much time pass. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#monoMs + ms;
    for (;;) {
      await this.#quiet();
      let next: Sleeper | undefined;
      for (const sleeper of this.#sleepers)
        if (!next || sleeper.wakeAtMs < next.wakeAtMs) next = sleeper;
      if (!next || next.wakeAtMs > endMs) break;
      this.#monoMs = Math.max(this.#monoMs, next.wakeAtMs);
      next.wake();
    }
    this.#monoMs = endMs;
  }

  async #quiet(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < QUIET_TURNS; turn += 1)
        await new Promise((resolve) => setImmediate(resolve));
      if (this.#working === 0) return;
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
      });
    }
  }
}
