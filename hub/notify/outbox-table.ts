import type { NotificationView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";
import type { Channel } from "./channel.ts";

export interface OutboxRow {
  id: number;
  key: string;
  alarm: string;
  occurrence: number;
  change: string;
  priority: number;
  receiver: string;
  channel: Channel["kind"];
  subject: string;
  text: string;
  data: string;
  /** A superseded row is a failed one, too; an acknowledged one keeps how it went out. */
  state: Exclude<NotificationView["state"], "acknowledged" | "superseded">;
  attempts: number;
  next_at: EpochMs;
  created_at: EpochMs;
  done_at: EpochMs | null;
  error: string | null;
  /** Which page about this occurrence, counting from 0; null for what is no page. */
  step: number | null;
  acked_at: EpochMs | null;
  acked_by: string | null;
  superseded: 0 | 1;
}

export type NewRow = Omit<OutboxRow, "id" | "attempts" | "acked_at" | "acked_by" | "superseded">;

const SCHEMA = `
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
  alarm TEXT NOT NULL, occurrence INTEGER NOT NULL, change TEXT NOT NULL,
  priority INTEGER NOT NULL, receiver TEXT NOT NULL, channel TEXT NOT NULL,
  subject TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('queued', 'accepted', 'delivered', 'failed')),
  attempts INTEGER NOT NULL DEFAULT 0, next_at INTEGER NOT NULL,
  created_at INTEGER NOT NULL, done_at INTEGER, error TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS outbox_queue ON outbox (receiver, alarm, id) WHERE state = 'queued';
CREATE INDEX IF NOT EXISTS outbox_state ON outbox (state, id);
`;

/** Columns that came later; an older hub.db gets them when it is opened. */
const LATER = [
  "step INTEGER",
  "acked_at INTEGER",
  "acked_by TEXT",
  "superseded INTEGER NOT NULL DEFAULT 0",
];
const LATER_INDEX =
  "CREATE INDEX IF NOT EXISTS outbox_page ON outbox (alarm, occurrence, step) WHERE step IS NOT NULL";

function addLaterColumns(db: HubDb): void {
  const columns = db.prepare<[], { name: string }>("PRAGMA table_info (outbox)").all();
  const known = new Set(columns.map(({ name }) => name));
  for (const column of LATER)
    if (!known.has(column.split(" ")[0]!)) db.exec(`ALTER TABLE outbox ADD COLUMN ${column}`);
  db.exec(LATER_INDEX);
}

/** After so many failed attempts a page is not waited for any longer; it is tried on all the same. */
export const STUCK_ATTEMPTS = 4;

/** Queued rows of a receiver that no older row of the same alarm has to go before. */
const READY = `FROM outbox AS row WHERE receiver = @receiver AND state = 'queued' AND NOT EXISTS (
  SELECT 1 FROM outbox AS older WHERE older.receiver = row.receiver AND older.alarm = row.alarm
  AND older.state = 'queued' AND older.id < row.id)`;

/** The rows of the outbox; what is done with them is decided elsewhere. */
export class OutboxTable {
  readonly #statements;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    addLaterColumns(db);
    this.#statements = {
      insert: db.prepare<NewRow>(
        `INSERT INTO outbox (key, alarm, occurrence, change, priority, receiver, channel, subject,
         text, data, state, next_at, created_at, done_at, error, step) VALUES (@key, @alarm, @occurrence,
         @change, @priority, @receiver, @channel, @subject, @text, @data, @state, @next_at,
         @created_at, @done_at, @error, @step) ON CONFLICT (key) DO NOTHING`,
      ),
      // A time further off than any back-off was written before the clock was set back.
      due: db.prepare<{ receiver: string; now: EpochMs; horizon: EpochMs }, OutboxRow>(
        `SELECT row.* ${READY} AND (next_at <= @now OR next_at > @horizon)
         ORDER BY priority, id LIMIT 1`,
      ),
      nextAt: db.prepare<{ receiver: string }, { at: EpochMs | null }>(
        `SELECT min(next_at) AS at ${READY}`,
      ),
      queued: db.prepare<[string], { count: number }>(
        "SELECT count(*) AS count FROM outbox WHERE receiver = ? AND state = 'queued'",
      ),
      leastQueued: db.prepare<[string], Pick<OutboxRow, "id" | "priority">>(
        `SELECT id, priority FROM outbox WHERE receiver = ? AND state = 'queued'
         ORDER BY priority DESC, id LIMIT 1`,
      ),
      claim: db.prepare<[EpochMs, number]>(
        "UPDATE outbox SET attempts = attempts + 1, next_at = ? WHERE id = ?",
      ),
      note: db.prepare<[string, number]>("UPDATE outbox SET error = ? WHERE id = ?"),
      finish: db.prepare<[OutboxRow["state"], EpochMs, string | null, number]>(
        "UPDATE outbox SET state = ?, done_at = ?, error = ?, superseded = 0 WHERE id = ?",
      ),
      prune: db.prepare<[number]>(
        `DELETE FROM outbox WHERE state <> 'queued' AND id <=
         (SELECT id FROM outbox WHERE state <> 'queued' ORDER BY id DESC LIMIT 1 OFFSET ?)`,
      ),
      list: db.prepare<[number], OutboxRow>("SELECT * FROM outbox ORDER BY id DESC LIMIT ?"),
      counts: db.prepare<[], { state: OutboxRow["state"]; count: number }>(
        "SELECT state, count(*) AS count FROM outbox WHERE superseded = 0 GROUP BY state",
      ),
      receivers: db
        .prepare<[], string>("SELECT DISTINCT receiver FROM outbox WHERE state = 'queued'")
        .pluck(),
      supersede: db.prepare<[EpochMs, string, string, number]>(
        `UPDATE outbox SET state = 'failed', superseded = 1, done_at = ?, error = ?
         WHERE alarm = ? AND occurrence = ? AND step IS NOT NULL AND state = 'queued'`,
      ),
      forgo: db.prepare<[EpochMs, string, string, number, string]>(
        `UPDATE outbox SET state = 'failed', superseded = 1, done_at = ?, error = ?
         WHERE alarm = ? AND occurrence = ? AND receiver = ? AND state = 'queued'`,
      ),
      acknowledge: db.prepare<[EpochMs, string, string, number]>(
        `UPDATE outbox SET acked_at = ?, acked_by = ? WHERE alarm = ? AND occurrence = ?
         AND step IS NOT NULL AND acked_at IS NULL AND superseded = 0`,
      ),
      reached: db
        .prepare<[string, number]>(
          `SELECT DISTINCT receiver FROM outbox WHERE alarm = ? AND occurrence = ?
           AND step IS NOT NULL AND (attempts > 0 OR state <> 'failed')`,
        )
        .pluck(),
      waiting: db
        .prepare<[string, number]>(
          `SELECT DISTINCT receiver FROM outbox WHERE alarm = ? AND occurrence = ?
           AND step IS NOT NULL AND state = 'queued'`,
        )
        .pluck(),
      hopeful: db
        .prepare<[string, number, number]>(
          `SELECT count(*) FROM outbox WHERE alarm = ? AND occurrence = ? AND step = ?
           AND (state IN ('accepted', 'delivered') OR state = 'queued' AND attempts < ${STUCK_ATTEMPTS})`,
        )
        .pluck(),
      failing: db
        .prepare<[]>(
          `SELECT receiver FROM (
             SELECT receiver, state, max(done_at) FROM outbox
             WHERE state IN ('accepted', 'delivered', 'failed') AND NOT superseded GROUP BY receiver)
           WHERE state = 'failed'
           UNION SELECT receiver FROM outbox WHERE state = 'queued' AND attempts >= ${STUCK_ATTEMPTS}`,
        )
        .pluck(),
      isQueued: db
        .prepare<[number]>("SELECT count(*) FROM outbox WHERE id = ? AND state = 'queued'")
        .pluck(),
      orphan: db.prepare<[EpochMs, string, string]>(
        `UPDATE outbox SET state = 'failed', done_at = ?, error = ?
         WHERE receiver = ? AND state = 'queued'`,
      ),
    };
  }

  insert = (row: NewRow): void => void this.#statements.insert.run(row);
  due = (receiver: string, now: EpochMs, horizon: EpochMs): OutboxRow | undefined =>
    this.#statements.due.get({ receiver, now, horizon });
  nextAt = (receiver: string): EpochMs | null =>
    this.#statements.nextAt.get({ receiver })?.at ?? null;
  queued = (receiver: string): number => this.#statements.queued.get(receiver)?.count ?? 0;
  leastQueued = (receiver: string) => this.#statements.leastQueued.get(receiver);
  claim = (id: number, nextAt: EpochMs): void => void this.#statements.claim.run(nextAt, id);
  note = (id: number, error: string): void => void this.#statements.note.run(error, id);
  finish = (id: number, state: OutboxRow["state"], at: EpochMs, error: string | null): void =>
    void this.#statements.finish.run(state, at, error, id);
  prune = (keep: number): void => void this.#statements.prune.run(keep);
  list = (limit: number): OutboxRow[] => this.#statements.list.all(limit);
  queuedReceivers = (): string[] => this.#statements.receivers.all() as string[];
  /** Gives up everything queued for a receiver. Returns how many rows. */
  abandon = (receiver: string, at: EpochMs, error: string): number =>
    this.#statements.orphan.run(at, error, receiver).changes;

  /** Gives up the pages about an occurrence that are still waiting. */
  supersede = (alarm: string, occurrence: number, at: EpochMs, why: string): void =>
    void this.#statements.supersede.run(at, why, alarm, occurrence);
  /** Gives up whatever waits about an occurrence for one receiver. */
  forgo(
    page: { alarm: string; occurrence: number; receiver: string },
    at: EpochMs,
    why: string,
  ): void {
    const { alarm, occurrence, receiver } = page;
    this.#statements.forgo.run(at, why, alarm, occurrence, receiver);
  }
  acknowledge = (alarm: string, occurrence: number, at: EpochMs, by: string): void =>
    void this.#statements.acknowledge.run(at, by, alarm, occurrence);
  /** Receivers for whom a page about this occurrence waits. */
  waiting = (alarm: string, occurrence: number): string[] =>
    this.#statements.waiting.all(alarm, occurrence) as string[];
  /** Receivers to whom a page about this occurrence is on its way or has gone. */
  reached = (alarm: string, occurrence: number): string[] =>
    this.#statements.reached.all(alarm, occurrence) as string[];
  /** True when every message of a page has failed, or fails again and again. */
  isLost = (alarm: string, occurrence: number, step: number): boolean =>
    this.#statements.hopeful.get(alarm, occurrence, step) === 0;
  /** Receivers whose newest message failed, or has failed several times. */
  failing = (): string[] => this.#statements.failing.all() as string[];
  isQueued = (id: number): boolean => this.#statements.isQueued.get(id) === 1;

  count(state: OutboxRow["state"]): number {
    return this.#statements.counts.all().find((row) => row.state === state)?.count ?? 0;
  }
}
