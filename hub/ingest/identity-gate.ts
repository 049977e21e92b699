import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Birth } from "../../contract/message.ts";
import type { Ledger, OwnDetail } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import { IdentityWatch } from "./identity-watch.ts";

const SETTLE_EVERY_MS = 5_000;

export interface IdentityGateDeps {
  live: Pick<LiveState, "node">;
  ledger: Pick<Ledger, "appendOwn">;
  /** Told when a conflict begins, so that the broker can keep both machines out for a while. */
  onConflict?: ((node: string) => void) | undefined;
  clock: Clock;
  log: Logger;
}

/** Holds off nodes whose id two machines use, and puts on record when that begins and ends. */
export class IdentityGate {
  readonly #deps: IdentityGateDeps;
  readonly #watch: IdentityWatch;
  /** Newest births of nodes in conflict; at most one per announced node. */
  readonly #held = new Map<string, Birth>();

  constructor(deps: IdentityGateDeps) {
    this.#deps = deps;
    this.#watch = new IdentityWatch(deps.clock);
  }

  /** False when the birth has to wait until one machine is left. */
  admitsBirth(birth: Birth): boolean {
    const { live, log } = this.#deps;
    const node = live.node(birth.node);
    if (this.#watch.born(birth.node, birth, node?.online ?? false) && node) {
      node.inConflict = true;
      const machines = this.#watch.machines(node.id);
      log.error({ node: node.id, machines }, "two machines use one node id, both held off");
      this.#note("node.identity-conflict", { node: node.id, label: node.birth.label, machines });
      this.#deps.onConflict?.(node.id);
    }
    if (!this.#watch.inConflict(birth.node)) return true;
    this.#held.set(birth.node, birth);
    return false;
  }

  inConflict = (node: string): boolean => this.#watch.inConflict(node);
  /** Whether rows of the node may be taken now. */
  isTrusted = (node: string): boolean => this.#watch.isTrusted(node);

  /** Ends conflicts until `signal` aborts, and hands on the birth of the machine that stayed. */
  async run(announce: (birth: Birth) => void, signal: AbortSignal): Promise<void> {
    const { clock, live, log } = this.#deps;
    while (!signal.aborted) {
      await clock.sleep(SETTLE_EVERY_MS, signal);
      for (const id of this.#watch.settle((id) => live.node(id)?.online ?? false)) {
        const node = live.node(id);
        if (node) node.inConflict = false;
        const [machine] = this.#watch.machines(id);
        log.info({ node: id, machine }, "one machine uses the node id again");
        this.#note("node.identity-settled", { node: id, machine });
        const birth = this.#held.get(id);
        this.#held.delete(id);
        if (birth) announce(birth);
      }
    }
  }

  /** For the record; a failing disk must not stop the watch, and the log line stands. */
  #note(type: string, detail: OwnDetail): void {
    const { ledger, clock, log } = this.#deps;
    try {
      ledger.appendOwn(type, clock.nowMs(), detail);
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      log.error({ type, error: error.message }, "not recorded");
    }
  }
}
