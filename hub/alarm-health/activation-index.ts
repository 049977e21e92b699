import type { LedgerRecord } from "../../contract/api.ts";
import type { Clock } from "../../contract/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HubDb } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import type { ActivationTable, Hush } from "./activation-table.ts";

/** Ledger records taken up without a pause: some milliseconds' work. */
const PAGE = 500;
/** Activations older than this are forgotten here; the ledger keeps them. */
export const ACTIVATIONS_KEPT_MS = 800 * 86_400_000;

const HUSH: Record<string, [by: Hush, isOn: boolean]> = {
  "alarm.shelved": ["shelved", true],
  "alarm.unshelved": ["shelved", false],
  "alarm.suppressed": ["suppressed", true],
  "alarm.unsuppressed": ["suppressed", false],
  "alarm.out-of-service": ["out_of_service", true],
  "alarm.in-service": ["out_of_service", false],
};

export interface IndexDeps {
  db: HubDb;
  table: ActivationTable;
  ledger: Pick<Ledger, "read">;
  clock: Clock;
}

/** Follows the ledger's alarm records and keeps what is counted. It goes on where it was after a crash. */
export class ActivationIndex {
  readonly #deps: IndexDeps;

  constructor(deps: IndexDeps) {
    this.#deps = deps;
  }

  /** Takes up what has been written since, in small pages so that the hub goes on with its work. */
  async catchUp(): Promise<void> {
    while (this.#takePage()) await new Promise((resolve) => setImmediate(resolve));
  }

  /** True when there may be more. */
  #takePage(): boolean {
    const { db, table, ledger, clock } = this.#deps;
    const query = { type: "alarm", limit: PAGE, order: "oldest", cursor: table.mark() } as const;
    const { items, next } = ledger.read(query);
    const last = items.at(-1);
    if (!last) return false;
    transact(db, () => {
      for (const record of items) this.#take(record);
      table.setMark(last.seq);
      if (next === null) table.forget(clock.nowMs() - ACTIVATIONS_KEPT_MS);
    });
    return next !== null;
  }

  #take({ type, seq, at, detail }: LedgerRecord): void {
    const { table } = this.#deps;
    const { alarm, occurrence, title, priority, by } = detail;
    if (typeof alarm !== "string" || typeof occurrence !== "number") return;
    const hush = HUSH[type];
    if (hush) table.hush(alarm, ...hush);
    else if (type === "alarm.raised")
      table.come({
        ...{ seq, alarm, occurrence, raisedAt: at },
        ...{ title: String(title ?? alarm), priority: Number(priority ?? 4) },
      });
    else if (type === "alarm.acknowledged")
      table.acknowledged(alarm, occurrence, { at, by: String(by ?? "somebody") });
    else if (type === "alarm.cleared") table.cleared(alarm, occurrence, at);
    else if (type === "alarm.withdrawn") {
      table.cleared(alarm, occurrence, at);
      table.unhush(alarm);
    }
  }
}
