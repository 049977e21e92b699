import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";

const WINDOW_MS = 60_000;
/** Refusals beyond this many in a minute are counted, not written: a guesser must not fill the ledger. */
const MAX_REFUSALS = 30;

/** Writes into the ledger who signed in and out and who was refused what. */
export class AccessNotes {
  readonly #ledger: Pick<Ledger, "appendOwn">;
  readonly #clock: Clock;
  readonly #log: Logger;
  #windowSince = -Infinity;
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

  countRefusal(): void {
    this.#refusals += 1;
  }

  refused(detail: Record<string, string>): void {
    this.#refusals += 1;
    const now = this.#clock.monoMs();
    if (now - this.#windowSince >= WINDOW_MS) {
      this.#windowSince = now;
      this.#inWindow = 0;
    }
    this.#inWindow += 1;
    if (this.#inWindow > MAX_REFUSALS) return;
    this.#ledger.appendOwn("person.refused", this.#clock.nowMs(), detail);
    this.#log.warn(detail, "request refused");
  }
}
