import type { Clock } from "../../contract/clock.ts";

const WINDOW_MS = 60_000;
const MAX_FAILURES = 10;
/** The address that failed longest ago is forgotten beyond this. */
const MAX_ADDRESSES = 1_000;

/**
 * Counts wrong credentials by address. It never locks anybody out: a right credential always passes,
 * because a wall behind the same address as a guesser must keep working. What it limits is what a
 * guesser costs in log and ledger.
 */
export class FailureThrottle {
  readonly #clock: Clock;
  readonly #failures = new Map<string, { since: number; count: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many seconds an address must wait that has failed too often; null when it need not. */
  limitedS(address: string): number | null {
    const known = this.#failures.get(address);
    const leftMs = known ? known.since + WINDOW_MS - this.#clock.monoMs() : 0;
    return known && known.count > MAX_FAILURES && leftMs > 0 ? Math.ceil(leftMs / 1_000) : null;
  }

  /** Notes one failure. `first` opens a window; `limited` is how many seconds to wait, or null. */
  note(address: string): { first: boolean; limitedS: number | null } {
    const now = this.#clock.monoMs();
    const known = this.#failures.get(address);
    const entry = known && now - known.since < WINDOW_MS ? known : { since: now, count: 0 };
    entry.count += 1;
    this.#failures.delete(address);
    this.#failures.set(address, entry);
    const [oldest] = this.#failures.keys();
    if (this.#failures.size > MAX_ADDRESSES && oldest !== undefined) this.#failures.delete(oldest);
    const limited = entry.count > MAX_FAILURES;
    return {
      first: entry.count === 1,
      limitedS: limited ? Math.ceil((WINDOW_MS - (now - entry.since)) / 1_000) : null,
    };
  }
}
