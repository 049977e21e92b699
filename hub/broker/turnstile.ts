import type { Clock } from "../../contract/clock.ts";

/** TLS handshakes begun per second, and as many at once after a quiet time. */
export const HANDSHAKES_PER_S = 30;
/** Connections that wait for their handshake: the newest are turned away beyond these. */
export const MAX_WAITING = 400;
export const MAX_WAITING_PER_ADDRESS = 150;

/**
 * Lets connections in at a bounded rate, one address after the other, so that a hundred nodes that come
 * back at once do not starve the readings, and a flood from one machine does not keep out the others.
 */
export class Turnstile<T> {
  readonly #clock: Clock;
  readonly #admit: (waiting: T) => void;
  /** In the order of turns; an address goes to the end when one of its own was let in. */
  readonly #queues = new Map<string, T[]>();
  readonly #stop = new AbortController();
  #waiting = 0;
  #tokens = HANDSHAKES_PER_S;
  #filledAtMs: number;
  #running = false;

  constructor(clock: Clock, admit: (waiting: T) => void) {
    this.#clock = clock;
    this.#admit = admit;
    this.#filledAtMs = clock.monoMs();
  }

  /** False when there is no room to wait. */
  enter(address: string, one: T): boolean {
    const queue = this.#queues.get(address) ?? [];
    if (this.#waiting >= MAX_WAITING || queue.length >= MAX_WAITING_PER_ADDRESS) return false;
    queue.push(one);
    this.#queues.set(address, queue);
    this.#waiting += 1;
    if (!this.#running) void this.#run();
    return true;
  }

  /** Forgets everybody who waits. */
  close(): void {
    this.#stop.abort();
    this.#queues.clear();
    this.#waiting = 0;
  }

  async #run(): Promise<void> {
    this.#running = true;
    const { signal } = this.#stop;
    while (this.#waiting > 0 && !signal.aborted) {
      this.#fill();
      if (this.#tokens >= 1) {
        this.#tokens -= 1;
        this.#next();
      } else await this.#clock.sleep(1_000 / HANDSHAKES_PER_S, signal);
    }
    this.#running = false;
  }

  #fill(): void {
    const nowMs = this.#clock.monoMs();
    const earned = ((nowMs - this.#filledAtMs) / 1_000) * HANDSHAKES_PER_S;
    this.#tokens = Math.min(HANDSHAKES_PER_S, this.#tokens + earned);
    this.#filledAtMs = nowMs;
  }

  #next(): void {
    for (const [address, queue] of this.#queues) {
      const one = queue.shift();
      this.#queues.delete(address);
      if (queue.length > 0) this.#queues.set(address, queue);
      if (one === undefined) continue;
      this.#waiting -= 1;
      this.#admit(one);
      return;
    }
  }
}
