import type { EpochMs } from "../../contract/clock.ts";
import type { TimelineEntry } from "../../contract/incident.ts";
import type { HubDb } from "../state/hub-db.ts";
import type { Incident, Member } from "./incident.ts";

/** Closed incidents kept. Beyond it, and when they were closed more than 400 days ago, the oldest are forgotten. */
export const MAX_CLOSED = 5_000;
export const KEEP_CLOSED_MS = 400 * 86_400_000;
/** Entries of one timeline. Beyond it the oldest are dropped, but for the first hundred. */
export const MAX_ENTRIES = 2_000;
const FIRST_ENTRIES = 100;

interface IncidentRow {
  id: number;
  lead: string;
  opened_at: EpochMs;
  over_at: EpochMs | null;
  closed_at: EpochMs | null;
  merged_into: string | null;
}
interface MemberRow {
  incident: number;
  alarm: string;
  member: string;
}
type EntryRow = Pick<TimelineEntry, "at" | "kind" | "text" | "alarm" | "by">;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS incident (
  id INTEGER PRIMARY KEY AUTOINCREMENT, lead TEXT NOT NULL, opened_at INTEGER NOT NULL,
  over_at INTEGER, closed_at INTEGER, merged_into TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS incident_closed ON incident (closed_at);
CREATE TABLE IF NOT EXISTS incident_member (
  incident INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
  alarm TEXT NOT NULL, member TEXT NOT NULL, PRIMARY KEY (incident, alarm)
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS incident_entry (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  incident INTEGER NOT NULL REFERENCES incident (id) ON DELETE CASCADE,
  at INTEGER NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, alarm TEXT, by TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS incident_entry_of ON incident_entry (incident, id);
`;

/** Incidents in hub.db. Everything it writes joins the open transaction. */
export class IncidentStore {
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    this.#sql = {
      add: db.prepare<[string, EpochMs]>("INSERT INTO incident (lead, opened_at) VALUES (?, ?)"),
      save: db.prepare<IncidentRow>(
        `UPDATE incident SET lead = @lead, opened_at = @opened_at, over_at = @over_at,
         closed_at = @closed_at, merged_into = @merged_into WHERE id = @id`,
      ),
      unclosed: db.prepare<[], IncidentRow>(
        "SELECT * FROM incident WHERE closed_at IS NULL ORDER BY id",
      ),
      closed: db.prepare<[number, number], IncidentRow>(
        `SELECT * FROM incident WHERE closed_at IS NOT NULL AND id < ?
         ORDER BY id DESC LIMIT ?`,
      ),
      one: db.prepare<[number], IncidentRow>("SELECT * FROM incident WHERE id = ?"),
      members: db.prepare<[number], MemberRow>("SELECT * FROM incident_member WHERE incident = ?"),
      putMember: db.prepare<[number, string, string]>(
        `INSERT INTO incident_member VALUES (?, ?, ?)
         ON CONFLICT (incident, alarm) DO UPDATE SET member = excluded.member`,
      ),
      dropMember: db.prepare<[number, string]>(
        "DELETE FROM incident_member WHERE incident = ? AND alarm = ?",
      ),
      note: db.prepare<[number, EpochMs, string, string, string | null, string | null]>(
        `INSERT INTO incident_entry (incident, at, kind, text, alarm, by)
         VALUES (?, ?, ?, ?, ?, ?)`,
      ),
      entries: db.prepare<[number], EntryRow>(
        "SELECT at, kind, text, alarm, by FROM incident_entry WHERE incident = ? ORDER BY at, id",
      ),
      count: db
        .prepare<[number], number>("SELECT count(*) FROM incident_entry WHERE incident = ?")
        .pluck(),
      dropEntry: db.prepare<[number, number]>(
        `DELETE FROM incident_entry WHERE id = (SELECT id FROM incident_entry
         WHERE incident = ? ORDER BY id LIMIT 1 OFFSET ?)`,
      ),
      moveEntries: db.prepare<[number, number]>(
        "UPDATE incident_entry SET incident = ? WHERE incident = ?",
      ),
      prune: db.prepare<[EpochMs, number]>(
        `DELETE FROM incident WHERE closed_at IS NOT NULL AND (closed_at < ? OR id <=
         (SELECT id FROM incident WHERE closed_at IS NOT NULL ORDER BY id DESC LIMIT 1 OFFSET ?))`,
      ),
    };
  }

  add(lead: string, openedAt: EpochMs): Incident {
    const { lastInsertRowid } = this.#sql.add.run(lead, openedAt);
    const id = nameOf(Number(lastInsertRowid));
    const open = { overAt: null, closedAt: null, mergedInto: null };
    return { id, lead, openedAt, ...open, members: new Map() };
  }

  save({ id, lead, openedAt, overAt, closedAt, mergedInto }: Incident): void {
    this.#sql.save.run({
      ...{ id: rowOf(id), lead, opened_at: openedAt, over_at: overAt },
      ...{ closed_at: closedAt, merged_into: mergedInto },
    });
  }

  saveMember(incident: Incident, member: Member): void {
    this.#sql.putMember.run(rowOf(incident.id), member.alarm, JSON.stringify(member));
  }

  dropMember(incident: Incident, alarm: string): void {
    this.#sql.dropMember.run(rowOf(incident.id), alarm);
  }

  /** Everything that is not closed. */
  load(): Incident[] {
    return this.#sql.unclosed.all().map(this.#toIncident);
  }

  find(id: string): Incident | undefined {
    const row = this.#sql.one.get(rowOf(id));
    return row && this.#toIncident(row);
  }

  /** The newest first; `before` is the id the page before ended with. */
  closed(limit: number, before?: string): Incident[] {
    const from = before === undefined ? Number.MAX_SAFE_INTEGER : rowOf(before);
    return this.#sql.closed.all(from, limit).map(this.#toIncident);
  }

  note(incident: string, entry: TimelineEntry): void {
    const row = rowOf(incident);
    this.#sql.note.run(row, entry.at, entry.kind, entry.text, entry.alarm, entry.by);
    if ((this.#sql.count.get(row) ?? 0) > MAX_ENTRIES) this.#sql.dropEntry.run(row, FIRST_ENTRIES);
  }

  timeline(incident: string): TimelineEntry[] {
    return this.#sql.entries.all(rowOf(incident)).slice(0, MAX_ENTRIES);
  }

  /** An incident that goes into another takes its story with it. */
  moveTimeline(from: string, into: string): void {
    this.#sql.moveEntries.run(rowOf(into), rowOf(from));
  }

  prune(now: EpochMs): void {
    this.#sql.prune.run(now - KEEP_CLOSED_MS, MAX_CLOSED);
  }

  #toIncident = (row: IncidentRow): Incident => ({
    ...{ id: nameOf(row.id), lead: row.lead, openedAt: row.opened_at },
    ...{ overAt: row.over_at, closedAt: row.closed_at, mergedInto: row.merged_into },
    members: new Map(
      this.#sql.members
        .all(row.id)
        .map(({ alarm, member }) => [alarm, JSON.parse(member) as Member]),
    ),
  });
}

const PREFIX = "inc-";
const nameOf = (row: number): string => `${PREFIX}${row}`;
/** 0, which is no row, for a name that is none of ours. */
function rowOf(id: string): number {
  const [, row] = /^inc-(\d{1,15})$/.exec(id) ?? [];
  return Number(row ?? 0);
}
