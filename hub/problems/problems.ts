import type { Problem } from "../../contract/alarm-health.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { ActivationTable, Recurrence } from "../alarm-health/activation-table.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HubDb } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";

/** Notes kept; one more is refused until some are removed. */
export const MAX_NOTES = 1_000;
const MAX_LISTED = 500;

export type KnownError = NonNullable<Problem["note"]>;

interface Kept {
  note: KnownError | null;
  solvedAt: EpochMs | null;
}

export interface ProblemDeps {
  db: HubDb;
  table: Pick<ActivationTable, "recurring">;
  ledger: Pick<Ledger, "appendOwn">;
  clock: Pick<Clock, "nowMs">;
}

/** It cannot be done; the message says why. */
export class ProblemRefused extends Error {}

type Viewing = {
  views(): AlarmView[];
  view(id: string): AlarmView | undefined;
};

/** Alarms that come again and again, and what people know about them. */
export class Problems {
  readonly #deps: ProblemDeps;
  readonly #kept: Map<string, Kept>;
  readonly #save;
  readonly #remove;

  constructor(deps: ProblemDeps) {
    this.#deps = deps;
    const { db } = deps;
    db.exec(`CREATE TABLE IF NOT EXISTS problem (
      alarm TEXT PRIMARY KEY, note TEXT, solved_at INTEGER) STRICT`);
    this.#save = db.prepare<[string, string | null, EpochMs | null]>(
      `INSERT INTO problem VALUES (?, ?, ?) ON CONFLICT (alarm) DO UPDATE SET
       note = excluded.note, solved_at = excluded.solved_at`,
    );
    this.#remove = db.prepare<[string]>("DELETE FROM problem WHERE alarm = ?");
    const rows = db
      .prepare<[], { alarm: string; note: string | null; solved_at: EpochMs | null }>(
        "SELECT * FROM problem",
      )
      .all();
    this.#kept = new Map(
      rows.map(({ alarm, note, solved_at: solvedAt }) => [
        alarm,
        { note: note === null ? null : (JSON.parse(note) as KnownError), solvedAt },
      ]),
    );
  }

  /** Alarms that came at least `times` times since, and all with a note; the most frequent first. */
  list(since: EpochMs, times: number): Problem[] {
    const come = this.#deps.table.recurring(since, 1, MAX_NOTES + MAX_LISTED);
    const names = new Set(come.map(({ alarm }) => alarm));
    const quiet = [...this.#kept].flatMap(([alarm, { note }]) =>
      note && !names.has(alarm) ? [silent(alarm, note)] : [],
    );
    return [...come, ...quiet]
      .filter(({ alarm, times: found }) => found >= times || this.#kept.has(alarm))
      .slice(0, MAX_LISTED)
      .map((recurrence) => this.#problemOf(recurrence));
  }

  noteOf = (alarm: string): KnownError | null => this.#kept.get(alarm)?.note ?? null;

  /** Replaces what was known. An empty text removes it. */
  note(alarm: string, { text, link, by }: Pick<KnownError, "text" | "link" | "by">): void {
    const known = this.#kept.get(alarm);
    if (!known && this.#kept.size >= MAX_NOTES)
      throw new ProblemRefused(`There are ${MAX_NOTES} notes already; remove some first.`);
    const at = this.#deps.clock.nowMs();
    const note = text === "" ? null : { text, link, by, at };
    const kept = note && { note, solvedAt: null };
    this.#write(alarm, kept, note ? "problem.noted" : "problem.note-removed", { text, link, by });
  }

  /** Says that the cause is gone; it opens again by itself when the alarm comes again. */
  solve(alarm: string, by: string): void {
    const note = this.noteOf(alarm);
    const solvedAt = this.#deps.clock.nowMs();
    if (!this.#kept.has(alarm) && this.#kept.size >= MAX_NOTES)
      throw new ProblemRefused(`There are ${MAX_NOTES} notes already; remove some first.`);
    this.#write(alarm, { note, solvedAt }, "problem.solved", { by });
  }

  /** The same alarms, each with what is known about it. */
  labelling<T extends Viewing>(alarms: T): T {
    const label = (view: AlarmView): AlarmView => {
      const note = this.noteOf(view.id);
      return note ? { ...view, note } : view;
    };
    return {
      ...alarms,
      views: () => alarms.views().map(label),
      view: (id: string) => {
        const view = alarms.view(id);
        return view && label(view);
      },
    };
  }

  #problemOf({ alarm, ...come }: Recurrence): Problem {
    const { note = null, solvedAt = null } = this.#kept.get(alarm) ?? {};
    const isSolved = solvedAt !== null && come.lastAt <= solvedAt;
    return {
      id: alarm,
      alarm,
      ...come,
      note,
      state: isSolved ? "solved" : note ? "known" : "open",
    };
  }

  #write(alarm: string, kept: Kept | null, type: string, detail: Record<string, unknown>): void {
    const { db, ledger, clock } = this.#deps;
    transact(db, () => {
      ledger.appendOwn(type, clock.nowMs(), { alarm, ...detail });
      if (kept) this.#save.run(alarm, kept.note && JSON.stringify(kept.note), kept.solvedAt);
      else this.#remove.run(alarm);
    });
    if (kept) this.#kept.set(alarm, kept);
    else this.#kept.delete(alarm);
  }
}

/** One with a note that has not come in the time asked for. */
const silent = (alarm: string, { at }: KnownError): Recurrence => ({
  ...{ alarm, title: alarm, times: 0, firstAt: at, lastAt: at },
});
