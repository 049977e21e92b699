import type { Logger } from "pino";
import type { SiteModel } from "../../contract/site.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { composeNotice } from "../notify/notice.ts";
import type { Outbox } from "../notify/outbox.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import type { AlarmStore } from "./alarm-store.ts";
import { recordOf, type Transition } from "./transition.ts";

/** Transitions kept in memory while the disk refuses to write; beyond it the oldest are lost, and logged. */
export const MAX_UNSAVED = 10_000;

export interface AlarmLogDeps {
  db: HubDb;
  store: AlarmStore;
  ledger: Pick<Ledger, "appendOwn">;
  outbox: Pick<Outbox, "enqueue">;
  log: Logger;
  site?: SiteModel;
  linkBase?: string | null;
}

/** Writes an alarm's transitions down: state, ledger record and messages together or not at all. */
export class AlarmLog {
  readonly #deps: AlarmLogDeps;
  #unsaved: Transition[] = [];
  /** Why the last attempt to write failed; null when everything is on disk. */
  error: string | null = null;

  constructor(deps: AlarmLogDeps) {
    this.#deps = deps;
  }

  /** On disk when it returns; only a full or failing disk makes it keep them for `retry`. */
  write(transitions: readonly Transition[]): void {
    for (const transition of transitions) this.#unsaved.push(transition);
    this.retry();
  }

  retry(): void {
    if (this.#unsaved.length === 0) return;
    const { db, log } = this.#deps;
    try {
      transact(db, () => {
        for (const transition of this.#unsaved) this.#record(transition);
      });
    } catch (error) {
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
  }

  #record(transition: Transition): void {
    const { store, ledger, outbox, site, linkBase = null } = this.#deps;
    const { at, stored, view, room, changes, tell } = transition;
    const detail = recordOf(transition);
    for (const change of changes) ledger.appendOwn(`alarm.${change}`, at, detail);
    for (const { change, receivers } of tell) {
      const siteLabel = site?.label ?? "Plenum";
      const timezone = site?.timezone ?? "UTC";
      const context = { change, at, receivers, room, siteLabel, timezone, linkBase };
      outbox.enqueue(composeNotice(view, context));
    }
    store.save(stored);
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
    const lost = this.#unsaved.length - MAX_UNSAVED;
    if (lost <= 0) return;
    this.#unsaved.splice(0, lost);
    this.#deps.log.error(
      { lost },
      "alarm transitions lost: the disk has refused them for too long",
    );
  }
}
