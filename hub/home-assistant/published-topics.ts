import type { HubDb } from "../state/hub-db.ts";

/** How long a removal is repeated to readers that connect: they may have been away when it happened. */
const REPEATED_FOR_MS = 30 * 24 * 3_600_000;
/** The most removals kept; older ones are forgotten first. */
const MAX_REMOVED = 20_000;

/** Which discovery topics were ever published, so that those no longer wanted can be taken back. In hub.db. */
export class PublishedTopics {
  readonly #statements;

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS discovery_topic (
      topic TEXT PRIMARY KEY, removed_at INTEGER
    ) STRICT, WITHOUT ROWID`);
    this.#statements = {
      add: db.prepare(
        "INSERT INTO discovery_topic VALUES (?, NULL) ON CONFLICT (topic) DO UPDATE SET removed_at = NULL WHERE removed_at IS NOT NULL",
      ),
      standing: db
        .prepare<[], string>("SELECT topic FROM discovery_topic WHERE removed_at IS NULL")
        .pluck(),
      remove: db.prepare("UPDATE discovery_topic SET removed_at = ? WHERE topic = ?"),
      removed: db
        .prepare<[], string>(
          `SELECT topic FROM discovery_topic WHERE removed_at IS NOT NULL
           ORDER BY removed_at DESC LIMIT ${MAX_REMOVED}`,
        )
        .pluck(),
      forget: db.prepare("DELETE FROM discovery_topic WHERE removed_at < ?"),
    };
  }

  add(topic: string): void {
    this.#statements.add.run(topic);
  }

  standing(): string[] {
    return this.#statements.standing.all();
  }

  remove(topic: string, now: number): void {
    this.#statements.remove.run(now, topic);
  }

  /** What to take back again from a reader that has just connected. */
  removed(now: number): string[] {
    this.#statements.forget.run(now - REPEATED_FOR_MS);
    return this.#statements.removed.all();
  }
}
