import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";

/** The most merges kept; of an occurrence older than these, an event sent once more would count as new. */
export const MAX_MERGES = 20_000;

/** One occurrence of an alarm as its node counts it. All five together name it for ever. */
export interface NodeOccurrence {
  node: string;
  epoch: string;
  rule: string;
  subject: string;
  occurrence: number;
}

/** What became of a node's occurrence. */
export interface Merge {
  of: NodeOccurrence;
  /** The hub's alarm. */
  alarm: string;
  /** The hub's occurrence it is part of; null when it was over before the hub heard of it. */
  into: number | null;
  /** When the node raised it. */
  raisedAt: EpochMs;
  /** When the hub decided. */
  at: EpochMs;
  title: string;
}

interface Row {
  node: string;
  epoch: string;
  rule: string;
  subject: string;
  occurrence: number;
  alarm: string;
  into_occurrence: number | null;
}

/** Which occurrences of nodes the hub has dealt with. Read from memory, so that a failing disk stops nothing. */
export class MergeStore {
  readonly #upsert;
  readonly #merged = new Map<string, number | null>();
  /** Occurrences of nodes that each of the hub's occurrences stands for. */
  readonly #parts = new Map<string, number>();

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS alarm_merge (
      node TEXT NOT NULL, epoch TEXT NOT NULL, rule TEXT NOT NULL, subject TEXT NOT NULL,
      occurrence INTEGER NOT NULL, alarm TEXT NOT NULL, into_occurrence INTEGER,
      UNIQUE (node, epoch, rule, subject, occurrence)
    ) STRICT`);
    db.prepare<[number]>(
      `DELETE FROM alarm_merge WHERE rowid NOT IN
       (SELECT rowid FROM alarm_merge ORDER BY rowid DESC LIMIT ?)`,
    ).run(MAX_MERGES);
    this.#upsert = db.prepare<Row>(
      `INSERT OR IGNORE INTO alarm_merge VALUES
       (@node, @epoch, @rule, @subject, @occurrence, @alarm, @into_occurrence)`,
    );
    for (const row of db.prepare<[], Row>("SELECT * FROM alarm_merge ORDER BY rowid").all())
      this.#note(row, row.alarm, row.into_occurrence);
  }

  /** The hub's occurrence; null when it was over before; undefined when the hub has not dealt with it. */
  into = (of: NodeOccurrence): number | null | undefined => this.#merged.get(keyOf(of));

  /** Whether an earlier occurrence of the same node is already part of this one of the hub. */
  hasPart = (node: string, alarm: string, occurrence: number): boolean =>
    this.#parts.has(partKey(node, alarm, occurrence));

  /** Counts from now on, before it is on disk. */
  note({ of, alarm, into }: Merge): void {
    this.#note(of, alarm, into);
  }

  /** Joins the open transaction. */
  save({ of, alarm, into }: Merge): void {
    const { node, epoch, rule, subject, occurrence } = of;
    this.#upsert.run({ node, epoch, rule, subject, occurrence, alarm, into_occurrence: into });
  }

  #note(of: NodeOccurrence, alarm: string, into: number | null): void {
    this.#merged.set(keyOf(of), into);
    forgetOldest(this.#merged);
    if (into === null) return;
    this.#parts.set(partKey(of.node, alarm, into), of.occurrence);
    forgetOldest(this.#parts);
  }
}

function forgetOldest(map: Map<string, unknown>): void {
  if (map.size <= MAX_MERGES) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    break;
  }
}

const keyOf = ({ node, epoch, rule, subject, occurrence }: NodeOccurrence) =>
  JSON.stringify([node, epoch, rule, subject, occurrence]);
const partKey = (node: string, alarm: string, occurrence: number) =>
  `${node} ${alarm} ${occurrence}`;
