import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";

/** One time that an alarm came. */
export interface Activation {
  alarm: string;
  title: string;
  priority: number;
  raisedAt: EpochMs;
  clearedAt: EpochMs | null;
  /** The first acknowledgement. */
  ackedAt: EpochMs | null;
  ackedBy: string | null;
}

export interface ActivationRow extends Activation {
  /** Number of the ledger record that says it came. */
  seq: number;
}

/** What keeps an alarm quiet; each is 1 or 0. */
export const HUSHES = ["shelved", "suppressed", "out_of_service"] as const;
export type Hush = (typeof HUSHES)[number];

/** How often one alarm came. */
export interface Recurrence {
  alarm: string;
  title: string;
  times: number;
  firstAt: EpochMs;
  lastAt: EpochMs;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS alarm_activation (
  seq INTEGER PRIMARY KEY, alarm TEXT NOT NULL, occurrence INTEGER NOT NULL, title TEXT NOT NULL,
  priority INTEGER NOT NULL, raised_at INTEGER NOT NULL, cleared_at INTEGER, acked_at INTEGER,
  acked_by TEXT, hushed INTEGER NOT NULL, counted INTEGER NOT NULL, UNIQUE (alarm, occurrence)
) STRICT;
CREATE INDEX IF NOT EXISTS alarm_activation_at ON alarm_activation (raised_at, seq);
CREATE TABLE IF NOT EXISTS alarm_hush (
  alarm TEXT PRIMARY KEY, shelved INTEGER NOT NULL DEFAULT 0,
  suppressed INTEGER NOT NULL DEFAULT 0, out_of_service INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS alarm_health_mark (
  id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL
) STRICT;
INSERT OR IGNORE INTO alarm_health_mark VALUES (1, 0);
`;

const COLUMNS = `seq, alarm, title, priority, raised_at AS raisedAt, cleared_at AS clearedAt,
  acked_at AS ackedAt, acked_by AS ackedBy`;

type Come = Pick<Activation, "alarm" | "title" | "priority" | "raisedAt"> & {
  seq: number;
  occurrence: number;
};

/** An extract of the ledger: it can be made anew from there at any time. */
export class ActivationTable {
  readonly #db: HubDb;
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    this.#db = db;
    this.#sql = {
      mark: db.prepare<[], number>("SELECT seq FROM alarm_health_mark").pluck(),
      setMark: db.prepare<[number]>("UPDATE alarm_health_mark SET seq = ?"),
      come: db.prepare<Come>(
        `INSERT OR IGNORE INTO alarm_activation (seq, alarm, occurrence, title, priority, raised_at,
         hushed, counted) SELECT @seq, @alarm, @occurrence, @title, @priority, @raisedAt, hush, 1 - hush
         FROM (SELECT EXISTS (SELECT 1 FROM alarm_hush WHERE alarm = @alarm
         AND shelved + suppressed + out_of_service > 0) AS hush)`,
      ),
      cleared: db.prepare<[EpochMs, string, number]>(
        `UPDATE alarm_activation SET cleared_at = ?
         WHERE alarm = ? AND occurrence = ? AND cleared_at IS NULL`,
      ),
      acked: db.prepare<[EpochMs, string, string, number]>(
        `UPDATE alarm_activation SET acked_at = ?, acked_by = ?
         WHERE alarm = ? AND occurrence = ? AND acked_at IS NULL`,
      ),
      hushed: db.prepare<[string]>(
        `UPDATE alarm_activation SET hushed = coalesce((SELECT shelved + suppressed + out_of_service > 0
         FROM alarm_hush WHERE alarm = alarm_activation.alarm), 0)
         WHERE alarm = ? AND cleared_at IS NULL`,
      ),
      unhush: db.prepare<[string]>("DELETE FROM alarm_hush WHERE alarm = ?"),
      page: db.prepare<{ at: EpochMs; seq: number; to: EpochMs; rows: number }, ActivationRow>(
        `SELECT ${COLUMNS} FROM alarm_activation WHERE (raised_at, seq) > (@at, @seq)
         AND raised_at < @to AND counted = 1 ORDER BY raised_at, seq LIMIT @rows`,
      ),
      standing: db.prepare<[EpochMs, EpochMs, number], ActivationRow>(
        `SELECT ${COLUMNS} FROM alarm_activation WHERE raised_at <= ?
         AND (cleared_at IS NULL OR cleared_at > ?) AND hushed = 0 ORDER BY raised_at LIMIT ?`,
      ),
      recurring: db.prepare<[EpochMs, number, number], Recurrence>(
        `SELECT alarm, title, count(*) AS times, min(raised_at) AS firstAt, max(raised_at) AS lastAt
         FROM alarm_activation WHERE raised_at >= ? AND counted = 1 GROUP BY alarm
         HAVING count(*) >= ? ORDER BY times DESC, lastAt DESC LIMIT ?`,
      ),
      ofRule: db.prepare<[string, string, EpochMs, EpochMs, number], ActivationRow>(
        `SELECT ${COLUMNS} FROM alarm_activation WHERE alarm > ? AND alarm < ?
         AND raised_at >= ? AND raised_at < ? ORDER BY raised_at, seq LIMIT ?`,
      ),
      forget: db.prepare<[EpochMs]>(
        "DELETE FROM alarm_activation WHERE raised_at < ? AND cleared_at IS NOT NULL",
      ),
    };
  }

  /** Number of the last ledger record that has been taken up. */
  mark = (): number => (this.#sql.mark.get() as number | undefined) ?? 0;
  setMark = (seq: number): void => void this.#sql.setMark.run(seq);

  come = (activation: Come): void => void this.#sql.come.run(activation);
  cleared = (alarm: string, occurrence: number, at: EpochMs): void =>
    void this.#sql.cleared.run(at, alarm, occurrence);
  acknowledged(alarm: string, occurrence: number, ack: { at: EpochMs; by: string }): void {
    this.#sql.acked.run(ack.at, ack.by, alarm, occurrence);
  }

  hush(alarm: string, by: Hush, isOn: boolean): void {
    const value = isOn ? 1 : 0;
    this.#db
      .prepare<[string, number]>(
        `INSERT INTO alarm_hush (alarm, ${by}) VALUES (?, ?)
         ON CONFLICT (alarm) DO UPDATE SET ${by} = excluded.${by}`,
      )
      .run(alarm, value);
    this.#sql.hushed.run(alarm);
  }

  /** Nothing keeps it quiet any more. */
  unhush = (alarm: string): void => void this.#sql.unhush.run(alarm);

  /** Those that sounded after `(at, seq)` and before `to`, in order. */
  page = (after: { at: EpochMs; seq: number }, to: EpochMs, rows: number): ActivationRow[] =>
    this.#sql.page.all({ ...after, to, rows });
  /** Those that came at `latest` or before, stood at `at` and are not hushed; the longest first. */
  standing = (latest: EpochMs, at: EpochMs, most: number): ActivationRow[] =>
    this.#sql.standing.all(latest, at, most);
  /** Alarms that sounded at least so many times since; the most frequent first. */
  recurring = (since: EpochMs, times: number, most: number): Recurrence[] =>
    this.#sql.recurring.all(since, times, most);
  /** All of one rule's, also those that did not sound; `/` is the character after the dot. */
  ofRule = (rule: string, from: EpochMs, to: EpochMs, most: number): ActivationRow[] =>
    this.#sql.ofRule.all(`${rule}.`, `${rule}/`, from, to, most);
  forget = (before: EpochMs): void => void this.#sql.forget.run(before);
}
