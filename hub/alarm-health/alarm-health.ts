import type { AlarmHealth } from "../../contract/alarm-health.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { HubDb } from "../state/hub-db.ts";
import { ActivationIndex } from "./activation-index.ts";
import { ActivationTable } from "./activation-table.ts";
import { HealthMeter } from "./health-meter.ts";

export const STANDING_MS = 24 * 3_600_000;
/** How far before the period it looks for a flood that had begun. */
const LOOK_BACK_MS = 24 * 3_600_000;
export const MAX_PERIOD_MS = 400 * 86_400_000;
/** Activations read without a pause. */
const PAGE = 5_000;
/** The most activations one report counts: two a minute for a year. */
export const MAX_COUNTED = 1_000_000;
const MAX_STANDING = 500;
const CATCH_UP_MS = 60_000;

export interface AlarmHealthDeps {
  db: HubDb;
  ledger: Pick<Ledger, "read">;
  alarms: { views(): AlarmView[] };
  clock: Clock;
}

/** How well the alarm system does, counted from the ledger. */
export class AlarmHealthReporter {
  readonly #deps: AlarmHealthDeps;
  readonly index: ActivationIndex;
  readonly table: ActivationTable;

  constructor(deps: AlarmHealthDeps) {
    this.#deps = deps;
    this.table = new ActivationTable(deps.db);
    this.index = new ActivationIndex({ ...deps, table: this.table });
  }

  /** Follows the ledger, so that a report does not have to. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.index.catchUp();
      await this.#deps.clock.sleep(CATCH_UP_MS, signal);
    }
  }

  /** `from` included, `to` not. Throws RangeError for a period that is empty, too long or holds too much. */
  async report(from: EpochMs, wanted: EpochMs): Promise<AlarmHealth> {
    const to = Math.min(wanted, this.#deps.clock.nowMs());
    if (to <= from) throw new RangeError("from must be before to, and in the past");
    if (to - from > MAX_PERIOD_MS) throw new RangeError("at most 400 days at once");
    await this.index.catchUp();
    const measured = await this.#measure(from, to);
    const standing = this.table.standing(to - STANDING_MS, to, MAX_STANDING);
    return {
      ...measured,
      standing: standing.map(({ alarm, title, raisedAt: since }) => ({ alarm, title, since })),
      shelved: this.#deps.alarms
        .views()
        .flatMap(({ id: alarm, title, shelved }) =>
          shelved ? [{ alarm, title, by: shelved.by, until: shelved.until }] : [],
        ),
    };
  }

  async #measure(from: EpochMs, to: EpochMs) {
    const meter = new HealthMeter(from, to);
    let after = { at: from - LOOK_BACK_MS, seq: -1 };
    for (let count = 0; ; count += PAGE) {
      if (count > MAX_COUNTED)
        throw new RangeError(`more than ${MAX_COUNTED} alarms; ask for a shorter period`);
      const rows = this.table.page(after, to, PAGE);
      for (const row of rows) meter.add(row);
      const last = rows.at(-1);
      if (!last || rows.length < PAGE) return meter.result();
      after = { at: last.raisedAt, seq: last.seq };
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}
