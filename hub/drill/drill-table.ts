import type { Drill } from "../../contract/alarm-health.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { OutboxRow } from "../notify/outbox-table.ts";
import type { HubDb } from "../state/hub-db.ts";

/** Drills kept: ten years of monthly ones. */
const MAX_DRILLS = 120;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS drill (
  id TEXT PRIMARY KEY, started_at INTEGER NOT NULL, done_at INTEGER, drill TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS drill_since (
  id INTEGER PRIMARY KEY CHECK (id = 1), at INTEGER NOT NULL
) STRICT;
`;

/** What became of a drill's message to one receiver. */
export type DrillRow = Pick<
  OutboxRow,
  "receiver" | "state" | "error" | "attempts" | "created_at" | "done_at"
>;

/** Drills, and what the outbox knows of their messages. */
export class DrillTable {
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    this.#sql = {
      get: db.prepare<[string], string>("SELECT drill FROM drill WHERE id = ?").pluck(),
      list: db
        .prepare<[number], string>("SELECT drill FROM drill ORDER BY started_at DESC, id LIMIT ?")
        .pluck(),
      save: db.prepare<[string, EpochMs, EpochMs | null, string]>(
        `INSERT INTO drill VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET
         done_at = excluded.done_at, drill = excluded.drill`,
      ),
      prune: db.prepare<[number]>(
        `DELETE FROM drill WHERE started_at <=
         (SELECT started_at FROM drill ORDER BY started_at DESC LIMIT 1 OFFSET ?)`,
      ),
      rows: db.prepare<{ from: string; to: string }, DrillRow>(
        `SELECT receiver, state, error, attempts, created_at, done_at FROM outbox
         WHERE key >= @from AND key < @to`,
      ),
      since: db.prepare<[], EpochMs>("SELECT at FROM drill_since").pluck(),
      begin: db.prepare<[EpochMs]>("INSERT OR IGNORE INTO drill_since VALUES (1, ?)"),
    };
  }

  get(id: string): Drill | undefined {
    const text = this.#sql.get.get(id);
    return text === undefined ? undefined : (JSON.parse(String(text)) as Drill);
  }

  /** The newest first. */
  list = (most: number): Drill[] =>
    this.#sql.list.all(most).map((text) => JSON.parse(String(text)) as Drill);

  save(drill: Drill): void {
    this.#sql.save.run(drill.id, drill.startedAt, drill.doneAt, JSON.stringify(drill));
    this.#sql.prune.run(MAX_DRILLS);
  }

  /** The messages of one drill; `0` is the character after `/`. */
  rows = (id: string): DrillRow[] =>
    this.#sql.rows.all({ from: `drill/${id}/`, to: `drill/${id}0` });

  /** Since when drills are expected; written at the first call. */
  since(now: EpochMs): EpochMs {
    this.#sql.begin.run(now);
    return Number(this.#sql.since.get());
  }
}
