import type { Reading } from "../../contract/reading.ts";

/** Readings that wait for the store, in memory only. Beyond it the oldest are lost. */
export const MAX_WAITING = 20_000;
const MAX_BATCH = 1_000;

/** Readings of devices that keep none themselves, until the store has room for them. */
export class Backlog {
  readonly #store: (readings: readonly Reading[]) => boolean;
  #waiting: Reading[] = [];
  #lost = 0;

  constructor(store: (readings: readonly Reading[]) => boolean) {
    this.#store = store;
  }

  add(reading: Reading): void {
    this.#waiting.push(reading);
    // A tenth at a time, because moving a long list for every reading costs too much.
    if (this.#waiting.length <= MAX_WAITING) return;
    this.#lost += this.#waiting.splice(0, MAX_WAITING / 10).length;
  }

  /** Hands on as much as there is room for. Returns how many were lost since the last time. */
  flush(): number {
    let done = 0;
    while (done < this.#waiting.length) {
      const batch = this.#waiting.slice(done, done + MAX_BATCH);
      if (!this.#store(batch)) break;
      done += batch.length;
    }
    this.#waiting = this.#waiting.slice(done);
    const lost = this.#lost;
    this.#lost = 0;
    return lost;
  }
}
