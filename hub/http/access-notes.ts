import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { isStorageFault } from "../state/hub-db.ts";

const WINDOW_MS = 60_000;
/** Refusals beyond this many in a minute are counted, not written: a guesser must not fill the ledger. */
const MAX_REFUSALS = 30;

/** Writes into the ledger who signed in and out and who was refused what. */
export class AccessNotes {
  readonly #ledger: Pick<Ledger, "appendOwn">;
  readonly #clock: Clock;
  readonly #log: Logger;
  #windowSinceMs = -Infinity;
  #inWindow = 0;
  #refusals = 0;

  constructor(deps: { ledger: Pick<Ledger, "appendOwn">; clock: Clock; log: Logger }) {
    this.#ledger = deps.ledger;
    this.#clock = deps.clock;
    this.#log = deps.log;
  }

  /** All refusals since the start, written or not. */
  get refusals(): number {
    return this.#refusals;
  }

  signedIn(name: string, address: string): void {
    this.#ledger.appendOwn("person.signed-in", this.#clock.nowMs(), { by: name, address });
  }

  signedOut(name: string, address: string): void {
    this.#ledger.appendOwn("person.signed-out", this.#clock.nowMs(), { by: name, address });
  }

  /** One more of a kind that stands in the ledger already. */
  countRefusal(): void {
    this.#refusals += 1;
  }

  /** Writes who was refused what. */
  refused(detail: Record<string, string>): void {
    this.#refusals += 1;
    const monoMs = this.#clock.monoMs();
    if (monoMs - this.#windowSinceMs >= WINDOW_MS) {
      this.#windowSinceMs = monoMs;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    if (this.#inWindow > MAX_REFUSALS) return;
    this.#log.warn(detail, "request refused");
    try {
      this.#ledger.appendOwn("person.refused", this.#clock.nowMs(), detail);
    } catch (error) {
      // A full disk must not turn a plain refusal into a failure; the log line above stands.
      if (!isStorageFault(error)) throw error;
    }
  }
}
