import type { Clock } from "../../contract/clock.ts";

export interface Slot<T> {
  item: T;
  /** How long after its time it begins. */
  lagMs: number;
}

interface Entry<T> {
  item: T;
  everyMs: number;
  dueMs: number;
}

/**
 * Fixed-rate turns for the devices of one bus: a slot's time is counted from the start, so it does not
 * drift. Of several that are due, the one whose next slot comes soonest goes first. Missed slots are
 * skipped, not caught up.
 */
export class Schedule<T> {
  readonly #clock: Clock;
  readonly #entries: Entry<T>[];

  constructor(clock: Clock, items: readonly { item: T; everyMs: number }[]) {
    this.#clock = clock;
    const now = clock.monoMs();
    this.#entries = items.map(({ item, everyMs }) => ({ item, everyMs, dueMs: now }));
  }

  /** Waits for the next turn; undefined when `signal` aborts or there is nothing to do. */
  async next(signal: AbortSignal): Promise<Slot<T> | undefined> {
    if (this.#entries.length === 0) return undefined;
    while (!signal.aborted) {
      const now = this.#clock.monoMs();
      const due = this.#entries.filter((entry) => entry.dueMs <= now);
      const first = due.sort((a, b) => a.dueMs + a.everyMs - b.dueMs - b.everyMs)[0];
      if (first) {
        const lagMs = now - first.dueMs;
        first.dueMs += first.everyMs * (Math.floor(lagMs / first.everyMs) + 1);
        return { item: first.item, lagMs };
      }
      const earliest = Math.min(...this.#entries.map((entry) => entry.dueMs));
      await this.#clock.sleep(earliest - now, signal);
    }
    return undefined;
  }
}
