import type { Logger } from "pino";
import type { Delivery } from "../delivery/delivery.ts";
import type { Incidents } from "../incidents/incidents.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import type { Fence } from "../workers/fence.ts";
import type { AlarmStore } from "./alarm-store.ts";
import type { Merge, MergeStore } from "./merge-store.ts";
import { recordOf, type Transition } from "./transition.ts";

/** Transitions kept in memory while the disk refuses to write; beyond it the oldest are lost, and logged. */
export const MAX_UNSAVED = 10_000;

export interface AlarmLogDeps {
  db: HubDb;
  store: AlarmStore;
  merges: Pick<MergeStore, "save">;
  ledger: Pick<Ledger, "appendOwn">;
  delivery: Pick<Delivery, "take">;
  /** Says what an alarm is to others; without it every alarm stands alone. */
  incidents?: Pick<Incidents, "take" | "forget">;
  log: Logger;
  /** Set when several hubs may take turns: only the newest holder may write. */
  fence?: Fence;
}

/** Writes an alarm's transitions down: state, ledger record and messages together or not at all. */
export class AlarmLog {
  readonly #deps: AlarmLogDeps;
  #unsaved: Transition[] = [];
  #unsavedMerges: Merge[] = [];
  /** Why the last attempt to write failed; null when everything is on disk. */
  error: string | null = null;

  constructor(deps: AlarmLogDeps) {
    this.#deps = deps;
  }

  /** On disk when it returns; only a full or failing disk makes it keep them for `retry`. */
  write(transitions: readonly Transition[], merges: readonly Merge[] = []): void {
    for (const transition of transitions) this.#unsaved.push(transition);
    for (const merge of merges) this.#unsavedMerges.push(merge);
    this.retry();
  }

  retry(): void {
    if (this.#unsaved.length + this.#unsavedMerges.length === 0) return;
    const { db, log, fence } = this.#deps;
    try {
      transact(db, () => {
        fence?.check();
        for (const transition of this.#unsaved) this.#record(transition);
        for (const merge of this.#unsavedMerges) this.#recordMerge(merge);
      });
    } catch (error) {
      this.#deps.incidents?.forget();
      if (!isStorageFault(error)) throw error;
      if (!this.error) log.error({ err: error }, "alarms cannot be written down");
      this.error = (error as Error).message;
      this.#forgetOldest();
      return;
    }
    if (this.error) log.info({ count: this.#unsaved.length }, "alarms are written down again");
    this.error = null;
    this.#logChanges();
    this.#unsaved = [];
    this.#unsavedMerges = [];
  }

  #record(transition: Transition): void {
    const { store, ledger, delivery, incidents, fence } = this.#deps;
    const { at, stored, changes } = transition;
    const detail = { ...recordOf(transition), fence: fence?.token };
    for (const change of changes) ledger.appendOwn(`alarm.${change}`, at, detail);
    delivery.take(transition, incidents?.take(transition));
    store.save(stored);
  }

  #recordMerge(merge: Merge): void {
    const { of, alarm, into, raisedAt, at, title } = merge;
    const { node, rule, subject, occurrence: nodeOccurrence, epoch: nodeEpoch } = of;
    const origin = { node, nodeEpoch, nodeOccurrence, raisedAt };
    const detail = { alarm, rule, subject, title, ...origin };
    const { ledger, merges } = this.#deps;
    if (into === null)
      ledger.appendOwn("alarm.unheard", at, { ...detail, why: "occurred during an outage" });
    else ledger.appendOwn("alarm.merged", at, { ...detail, occurrence: into });
    merges.save(merge);
  }

  #logChanges(): void {
    for (const { view, changes, cause } of this.#unsaved) {
      const { id: alarm, title, occurrence } = view;
      this.#deps.log.info(
        { alarm, title, occurrence, by: cause.by },
        `alarm ${changes.join(", ")}`,
      );
    }
  }

  #forgetOldest(): void {
    this.#unsavedMerges = this.#unsavedMerges.slice(-MAX_UNSAVED);
    const lost = this.#unsaved.length - MAX_UNSAVED;
    if (lost <= 0) return;
    this.#unsaved.splice(0, lost);
    this.#deps.log.error(
      { lost },
      "alarm transitions lost: the disk has refused them for too long",
    );
  }
}
