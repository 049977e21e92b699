import type { EpochMs } from "../clock.ts";

/** A window is kept in this many slots; its length is therefore exact to a sixtieth. */
const SLOTS = 60;

/** What a window shows. `covered` is false until it has been watched for its whole length. */
export interface Swing {
  /** Highest minus lowest value, in the unit of the point; null without any value. */
  swing: number | null;
  covered: boolean;
}

/**
 * Highest minus lowest value of a sliding window: what ASHRAE's rate of change means. It is not a slope, and
 * not last minus first. Bounded: a slot keeps the extremes of a sixtieth of the window.
 */
export class SwingWindow {
  readonly #windowMs: number;
  readonly #slotMs: number;
  /** Oldest first. `lastAt` decides when a slot has left the window. */
  #slots: { index: number; lastAt: EpochMs; min: number; max: number }[] = [];
  #since: EpochMs | null = null;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
    this.#slotMs = windowMs / SLOTS;
  }

  /** Takes a good value. One older than the newest is left out; a clock that was set begins anew. */
  add(at: EpochMs, value: number): void {
    const newest = this.#slots.at(-1);
    if (newest && at < newest.lastAt) {
      if (newest.lastAt - at < this.#windowMs) return;
      this.#slots = [];
      this.#since = null;
    }
    this.#drop(at);
    this.#since ??= at;
    const index = Math.floor(at / this.#slotMs);
    const slot = this.#slots.at(-1);
    if (slot?.index === index) {
      slot.lastAt = at;
      slot.min = Math.min(slot.min, value);
      slot.max = Math.max(slot.max, value);
    } else this.#slots.push({ index, lastAt: at, min: value, max: value });
  }

  at(now: EpochMs): Swing {
    this.#drop(now);
    const covered = this.#since !== null && now - this.#since >= this.#windowMs;
    if (this.#slots.length === 0) return { swing: null, covered };
    let min = Infinity;
    let max = -Infinity;
    for (const slot of this.#slots) {
      min = Math.min(min, slot.min);
      max = Math.max(max, slot.max);
    }
    return { swing: max - min, covered };
  }

  #drop(now: EpochMs): void {
    const from = now - this.#windowMs;
    let gone = 0;
    while (gone < this.#slots.length && this.#slots[gone]!.lastAt < from) gone += 1;
    if (gone > 0) this.#slots.splice(0, gone);
    if (this.#slots.length === 0) this.#since = null;
  }
}
