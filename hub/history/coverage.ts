import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";
import { floorTo, HOUR_MS } from "./aggregate.ts";
import type { StoredReading } from "./store.ts";

/** Points whose newest marks are kept in memory; beyond it they are asked of the disk again. */
const MAX_REMEMBERED = 200_000;
/** Hours of one point remembered as marked; a backfill that jumps about only costs a look at the disk. */
const HOURS_REMEMBERED = 4;

/** An hour of a point in which rows were stored since it was rolled up. */
export interface DirtyHour {
  point: string;
  hour: EpochMs;
  /** Counts the marks, so that one made during the work is not lost with it. */
  marks: number;
}

interface Remembered {
  firstAt: EpochMs;
  /** Marked since they were last taken up; the newest last. */
  hours: number[];
}

/**
 * Which hours of which points have rows that the rollups do not hold yet, and since when a point has
 * history at all. In hub.db, so that neither a crash nor a restart leaves a rollup wrong.
 */
export class Coverage {
  readonly #remembered = new Map<string, Remembered>();
  readonly #statements;
  readonly #markAll: (marks: ReadonlyMap<string, Marks>) => void;
  readonly #clearAll: (hours: readonly DirtyHour[]) => void;

  constructor(db: HubDb) {
    db.exec(`
      CREATE TABLE IF NOT EXISTS dirty_hour (
        point TEXT NOT NULL, hour INTEGER NOT NULL, marks INTEGER NOT NULL,
        PRIMARY KEY (point, hour)
      ) STRICT, WITHOUT ROWID;
      CREATE INDEX IF NOT EXISTS dirty_hour_by_hour ON dirty_hour (hour, point);
      CREATE TABLE IF NOT EXISTS point_history (
        point TEXT PRIMARY KEY, first_at INTEGER NOT NULL
      ) STRICT, WITHOUT ROWID;`);
    this.#statements = {
      due: db.prepare<[number, number], DirtyHour>(
        "SELECT point, hour, marks FROM dirty_hour WHERE hour < ? ORDER BY hour, point LIMIT ?",
      ),
      ofPoint: db
        .prepare<[string, number, number, number], number>(
          "SELECT hour FROM dirty_hour WHERE point = ? AND hour >= ? AND hour < ? ORDER BY hour LIMIT ?",
        )
        .pluck(),
      inRange: db.prepare<[number, number, number], DirtyHour>(
        `SELECT point, hour, marks FROM dirty_hour
         WHERE hour >= ? AND hour < ? ORDER BY hour, point LIMIT ?`,
      ),
      count: db.prepare<[], number>("SELECT count(*) FROM dirty_hour").pluck(),
      firstAt: db
        .prepare<[string], number>("SELECT first_at FROM point_history WHERE point = ?")
        .pluck(),
    };
    const mark = db.prepare(
      `INSERT INTO dirty_hour VALUES (?, ?, 1)
       ON CONFLICT (point, hour) DO UPDATE SET marks = marks + 1`,
    );
    const begin = db.prepare(
      `INSERT INTO point_history VALUES (?, ?)
       ON CONFLICT (point) DO UPDATE SET first_at = min(first_at, excluded.first_at)`,
    );
    const clear = db.prepare("DELETE FROM dirty_hour WHERE point = ? AND hour = ? AND marks = ?");
    this.#markAll = db.transaction((marks: ReadonlyMap<string, Marks>) => {
      for (const [point, { firstAt, hours }] of marks) {
        begin.run(point, firstAt);
        for (const hour of hours) mark.run(point, hour);
      }
    });
    this.#clearAll = db.transaction((hours: readonly DirtyHour[]) => {
      for (const { point, hour, marks } of hours) clear.run(point, hour, marks);
    });
  }

  /**
   * Notes rows that have just been stored; on disk when it returns. Call it before they are acknowledged.
   * Throws SqliteError when the disk fails. Costs next to nothing for an hour that is marked already.
   */
  mark(readings: readonly StoredReading[]): void {
    const fresh = new Map<string, Marks>();
    for (const { reading } of readings) {
      const hour = floorTo(reading.at, HOUR_MS);
      const known = this.#remembered.get(reading.point);
      if (known?.hours.includes(hour) && known.firstAt <= reading.at) continue;
      const marks = fresh.get(reading.point);
      if (!marks) fresh.set(reading.point, { firstAt: reading.at, hours: new Set([hour]) });
      else {
        marks.hours.add(hour);
        marks.firstAt = Math.min(marks.firstAt, reading.at);
      }
    }
    if (fresh.size === 0) return;
    this.#markAll(fresh);
    for (const [point, marks] of fresh) this.#remember(point, marks);
  }

  /** The oldest dirty hours that begin before `beforeMs`; marks made from now on are new ones. */
  take(beforeMs: EpochMs, limit: number): DirtyHour[] {
    const due = this.#statements.due.all(beforeMs, limit);
    for (const { point, hour } of due) {
      const known = this.#remembered.get(point);
      if (known) known.hours = known.hours.filter((held) => held !== hour);
    }
    return due;
  }

  /** They are rolled up. One that was marked again meanwhile stays dirty. */
  done(hours: readonly DirtyHour[]): void {
    this.#clearAll(hours);
  }

  /** Dirty hours of a point, in order of time; the earliest `limit`. */
  dirty(point: string, range: { fromMs: EpochMs; toMs: EpochMs }, limit: number): EpochMs[] {
    return this.#statements.ofPoint.all(point, floorTo(range.fromMs, HOUR_MS), range.toMs, limit);
  }

  /** Dirty hours of all points that begin in a range, or in the hour in which it begins. */
  dirtyIn({ fromMs, toMs }: { fromMs: EpochMs; toMs: EpochMs }, limit: number): DirtyHour[] {
    return this.#statements.inRange.all(floorTo(fromMs, HOUR_MS), toMs, limit);
  }

  count(): number {
    return this.#statements.count.get() ?? 0;
  }

  /** Time of the first reading ever stored of a point. */
  firstAt(point: string): EpochMs | undefined {
    return this.#statements.firstAt.get(point);
  }

  /** What is marked is asked of the disk again: another process may have taken hours up. */
  forget(): void {
    this.#remembered.clear();
  }

  #remember(point: string, { firstAt, hours }: Marks): void {
    if (this.#remembered.size >= MAX_REMEMBERED) this.#remembered.clear();
    const known = this.#remembered.get(point);
    const all = [...(known?.hours ?? []), ...hours].slice(-HOURS_REMEMBERED);
    this.#remembered.set(point, {
      firstAt: Math.min(firstAt, known?.firstAt ?? firstAt),
      hours: all,
    });
  }
}

interface Marks {
  firstAt: EpochMs;
  hours: Set<number>;
}
