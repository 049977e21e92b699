import type { Clock } from "../../contract/clock.ts";

/** Lets one loop sleep until it is time, or until somebody has work for it. */
export class Bell {
  #rung = false;
  #wake = () => {};

  /** Ends the wait that is going on, or else the next one. */
  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const nap = new AbortController();
    const wake = () => nap.abort();
    this.#wake = wake;
    signal.addEventListener("abort", wake);
    if (!this.#rung && !signal.aborted) await clock.sleep(ms, nap.signal);
    signal.removeEventListener("abort", wake);
    this.#rung = false;
  }
}
