import { isListed, isUnacknowledged } from "./alarm-order.ts";
import type { Store } from "./store.ts";

/** Screens do not all ask for the new pages in the same second. */
const SPREAD_S = 60;
/** An alarm nobody has seen keeps the page as it is, but not for ever. */
const DEFER_AT_MOST_S = 600;

/** Loads the new pages once when the hub serves others than the ones on screen. Call `check` every second. */
export class Reloader {
  readonly #store: Store;
  readonly #reload: () => void;
  readonly #random: () => number;
  #waitS: number | null = null;
  #deferredS = 0;

  constructor(store: Store, reload: () => void, random: () => number = Math.random) {
    this.#store = store;
    this.#reload = reload;
    this.#random = random;
  }

  want(): void {
    this.#waitS ??= Math.floor(this.#random() * SPREAD_S);
  }

  check(): void {
    if (this.#waitS === null) return;
    if (this.#waitS > 0) {
      this.#waitS--;
      return;
    }
    const isBusy = this.#store.alarms
      .peek()
      .some((alarm) => isListed(alarm) && isUnacknowledged(alarm) && alarm.priority <= 2);
    if (isBusy && this.#deferredS++ < DEFER_AT_MOST_S) return;
    // A hub that hangs cannot serve the new pages; the old ones stay.
    if (this.#store.lost.peek()) return;
    this.#waitS = null;
    this.#reload();
  }
}
