import type { Logger } from "pino";

const MAX_KEYS = 1_000;

/**
 * Counts what strangers do wrong and logs it at the 1st, 10th, 100th, … time, so that one that repeats
 * itself for ever cannot fill the log. Keeps `MAX_KEYS` counts and forgets the oldest first.
 */
export class Refusals {
  readonly #log: Logger;
  readonly #counts = new Map<string, number>();
  #total = 0;

  constructor(log: Logger) {
    this.#log = log;
  }

  get total(): number {
    return this.#total;
  }

  /** `why` names the kind of wrong; `detail` goes into the log only. */
  note(who: string, why: string, detail: Record<string, unknown> = {}): void {
    this.#total += 1;
    const key = `${who} ${why}`;
    const count = (this.#counts.get(key) ?? 0) + 1;
    if (count === 1 && this.#counts.size >= MAX_KEYS) {
      for (const oldest of this.#counts.keys()) {
        this.#counts.delete(oldest);
        break;
      }
    }
    this.#counts.set(key, count);
    if (Number.isInteger(Math.log10(count))) this.#log.warn({ who, count, ...detail }, why);
  }
}
