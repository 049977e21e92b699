/** One node's bytes a second, and as many seconds' worth at once: far above any real node, far below the line. */
export const BYTES_PER_S = 8 * 1024 * 1024;
const BURST_S = 4;

/** How long to stop reading from a connection that sends faster than its share. */
export class ByteBudget {
  #left = BYTES_PER_S * BURST_S;
  #atMs: number;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Takes what has just been read; returns how many milliseconds to wait before reading on, often 0. */
  take(bytes: number, nowMs: number): number {
    const earned = ((nowMs - this.#atMs) / 1_000) * BYTES_PER_S;
    this.#left = Math.min(BYTES_PER_S * BURST_S, this.#left + earned) - bytes;
    this.#atMs = nowMs;
    return this.#left >= 0 ? 0 : (-this.#left / BYTES_PER_S) * 1_000;
  }
}
