import type { EpochMs } from "../../contract/clock.ts";
import type { FloodLimits } from "../config/delivery-config.ts";
import type { HubDb } from "../state/hub-db.ts";

export const FLOOD_WINDOW_MS = 10 * 60_000;

/** Whether there is a flood, after so many pages within the window; it ends lower than it begins. */
export function isFlood(
  was: boolean,
  pages: number,
  { above, below }: Pick<FloodLimits, "above" | "below">,
): boolean {
  return was ? pages >= below : pages > above;
}

/** Counts pages of the last ten minutes; in hub.db, so that a restart in a flood is still in it. */
export class FloodGauge {
  readonly #limits: FloodLimits;
  readonly #sql;

  constructor(db: HubDb, limits: FloodLimits) {
    this.#limits = limits;
    db.exec(`
      CREATE TABLE IF NOT EXISTS delivery_page (page TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT;
      CREATE INDEX IF NOT EXISTS delivery_page_at ON delivery_page (at);
      CREATE TABLE IF NOT EXISTS delivery_flood (id INTEGER PRIMARY KEY CHECK (id = 1),
        since INTEGER NOT NULL) STRICT;`);
    this.#sql = {
      add: db.prepare<[string, EpochMs]>("INSERT OR IGNORE INTO delivery_page VALUES (?, ?)"),
      // What lies ahead was written before the clock was set back.
      prune: db.prepare<[EpochMs, EpochMs]>("DELETE FROM delivery_page WHERE at <= ? OR at > ?"),
      count: db.prepare<[], number>("SELECT count(*) FROM delivery_page").pluck(),
      since: db.prepare<[], EpochMs>("SELECT since FROM delivery_flood").pluck(),
      begin: db.prepare<[EpochMs]>("INSERT OR IGNORE INTO delivery_flood VALUES (1, ?)"),
      end: db.prepare<[]>("DELETE FROM delivery_flood"),
    };
  }

  /** When the present flood began; null without one. */
  since = (): EpochMs | null => (this.#sql.since.get() as EpochMs | undefined) ?? null;

  add(page: string, now: EpochMs): void {
    this.#sql.add.run(page, now);
  }

  /** Judges anew; says what changed. */
  judge(now: EpochMs): "began" | "ended" | null {
    this.#sql.prune.run(now - FLOOD_WINDOW_MS, now);
    const was = this.since() !== null;
    const is = isFlood(was, Number(this.#sql.count.get()), this.#limits);
    if (is === was) return null;
    if (is) this.#sql.begin.run(now);
    else this.#sql.end.run();
    return is ? "began" : "ended";
  }
}
