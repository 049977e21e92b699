import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";

/** Whether messages get through to a receiver. */
export interface Proof {
  /** When the newest went through; null when none has. */
  provenAt: EpochMs | null;
  /** Why the newest did not; null when it did. */
  failing: string | null;
}

interface Row {
  receiver: string;
  proven_at: EpochMs | null;
  failing: string | null;
}

/**
 * Reads the outbox for what went through. Since finished messages are forgotten after a while, what it finds is
 * kept, one row for each receiver there ever was.
 */
export class Proofs {
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS receiver_proof (
      receiver TEXT PRIMARY KEY, proven_at INTEGER NOT NULL) STRICT`);
    this.#sql = {
      keep: db.prepare(
        `INSERT INTO receiver_proof SELECT receiver, max(done_at) FROM outbox
         WHERE state IN ('accepted', 'delivered') AND done_at IS NOT NULL GROUP BY receiver
         ON CONFLICT (receiver) DO UPDATE SET proven_at = max(proven_at, excluded.proven_at)`,
      ),
      // The newest that has been tried; one given up because somebody acknowledged says nothing.
      all: db.prepare<[], Row>(
        `WITH newest AS (SELECT receiver, max(id) AS id FROM outbox
           WHERE superseded = 0 AND (state <> 'queued' OR error IS NOT NULL) GROUP BY receiver)
         SELECT coalesce(newest.receiver, proof.receiver) AS receiver, proof.proven_at,
           CASE WHEN outbox.state IN ('queued', 'failed') THEN coalesce(outbox.error, 'failed') END
           AS failing
         FROM newest JOIN outbox ON outbox.id = newest.id
         FULL JOIN receiver_proof AS proof ON proof.receiver = newest.receiver`,
      ),
    };
  }

  /** By receiver. The outbox must have been opened before. */
  all(): Map<string, Proof> {
    this.#sql.keep.run();
    const rows = this.#sql.all.all();
    return new Map(
      rows.map(({ receiver, proven_at: provenAt, failing }) => [receiver, { provenAt, failing }]),
    );
  }
}
