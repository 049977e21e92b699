import type { Database } from "better-sqlite3";
import type { EpochMs } from "../../contract/clock.ts";

/** Readings that are gone: which point, from when to when, how many. */
export interface Loss {
  point: string;
  from: EpochMs;
  to: EpochMs;
  count: number;
}

export const THIN_TEXT =
  "Spool full: of readings older than an hour, only lowest, highest and last of each minute kept";
export const DROP_TEXT = "Spool full: oldest readings dropped";
export const FULL_TEXT = "Disk full: readings were not kept";

const HOUR_MS = 3_600_000;
/** Rows looked at in one go, so that thinning never holds up the bus loops for long. */
const THIN_ROWS = 10_000;
const MAX_DROP_ROWS = 20_000;
const MIN_DROP_ROWS = 200;

/** Losses not yet declared, one entry per point. */
export class Losses {
  readonly #losses = new Map<string, Loss>();

  add(point: string, at: EpochMs): void {
    const loss = this.#losses.get(point) ?? { point, from: at, to: at, count: 0 };
    this.#losses.set(point, { ...loss, to: at, count: loss.count + 1 });
  }

  take(): Loss[] {
    const losses = [...this.#losses.values()];
    this.#losses.clear();
    return losses;
  }
}

/** Bytes of the file that hold something; freed pages are used again before the file grows. */
export function usedBytes(db: Database): number {
  const pragma = (name: string) => Number(db.pragma(name, { simple: true }));
  return (pragma("page_count") - pragma("freelist_count")) * pragma("page_size");
}

/**
 * Keeps the lowest, the highest and the last reading of each minute and point among the oldest readings
 * not yet thinned, so that a peak survives.
 */
export function thinOld(db: Database, now: EpochMs): Loss[] {
  const thinnedUpto = Number(
    db.prepare<[], { value: string }>("SELECT value FROM facts WHERE name = 'thinned'").get()
      ?.value ?? 0,
  );
  const lowest = db.prepare<[], { seq: number | null }>("SELECT min(seq) AS seq FROM rows").get();
  const from = Math.max(thinnedUpto + 1, lowest?.seq ?? 0);
  const upto = db
    .prepare<[number, number, number], { seq: number | null }>(
      "SELECT max(seq) AS seq FROM rows WHERE seq >= ? AND seq < ? AND class = 0 AND at < ?",
    )
    .get(from, from + THIN_ROWS, now - HOUR_MS)?.seq;
  if (upto == null) return [];
  db.prepare("INSERT OR REPLACE INTO facts (name, value) VALUES ('thinned', ?)").run(String(upto));
  const old = `class = 0 AND seq >= ${from} AND seq <= ${upto} AND at < ${now - HOUR_MS}`;
  // Beside min() or max(), SQLite takes the other columns from the row that has it.
  const valued = `FROM (SELECT seq, subject, at / 60000 AS minute, json_extract(payload, '$[2]') AS value
    FROM rows WHERE ${old}) WHERE value IS NOT NULL GROUP BY subject, minute`;
  return remove(
    db,
    `${old} AND seq NOT IN (
      SELECT max(seq) FROM rows WHERE ${old} GROUP BY subject, at / 60000
      UNION SELECT seq FROM (SELECT seq, min(value) ${valued})
      UNION SELECT seq FROM (SELECT seq, max(value) ${valued}))`,
  );
}

/** Drops the oldest readings: a fiftieth of the rows held, but 200 to 20,000. Events stay. */
export function dropOldest(db: Database, held: number): Loss[] {
  const rows = Math.min(MAX_DROP_ROWS, Math.max(MIN_DROP_ROWS, Math.floor(held / 50)));
  const upto = db
    .prepare<[number], { seq: number | null }>(
      "SELECT max(seq) AS seq FROM (SELECT seq FROM rows WHERE class = 0 ORDER BY seq LIMIT ?)",
    )
    .get(rows)?.seq;
  return upto == null ? [] : remove(db, `class = 0 AND seq <= ${upto}`);
}

function remove(db: Database, where: string): Loss[] {
  const losses = db
    .prepare<[], Loss>(
      `SELECT subject AS point, min(at) AS "from", max(at) AS "to", count(*) AS count
       FROM rows WHERE ${where} GROUP BY subject`,
    )
    .all();
  db.prepare(`DELETE FROM rows WHERE ${where}`).run();
  return losses;
}
