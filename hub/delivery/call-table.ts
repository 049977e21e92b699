import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { HubDb } from "../state/hub-db.ts";

/** Where the telling of one alarm's present occurrence stands. */
export type CallState =
  /** The next page goes out at `nextAt`. */
  | "running"
  /** Part of an incident whose lead speaks for it. */
  | "folded"
  /** No page follows; `why` says for what reason. */
  | "ended";

export type EndReason = "acknowledged" | "withheld" | "unanswered" | "told";

/** One alarm that people are being told of; a row of hub.db until the alarm is over. */
export interface Call {
  alarm: string;
  occurrence: number;
  state: CallState;
  why: EndReason | null;
  nextAt: EpochMs | null;
  /** What the rule names. */
  targets: string[];
  /** Steps of the ladder that have been taken. */
  steps: number;
  /** Repeats after the last step. */
  repeats: number;
  /** Pages of this occurrence so far; the next one's number. */
  pages: number;
  /** Receivers who have been told and must hear of the end. */
  told: string[];
  /** Who was asked when, in words for the next one asked. */
  asked: { at: EpochMs; names: string[] }[];
  incident: string | null;
  lead: string | null;
  /** What a digest puts it together by: its incident, or its rule when it is alone. */
  cause: string;
  /** It was acknowledged or withheld before and sounds again. */
  isAgain: boolean;
  /** Why it waits, when it does. */
  held: { why: "maintenance" | "quiet"; reason: string | null } | null;
  room: string | null;
  view: AlarmView;
  /** As urgent as the alarm, or as the most urgent symptom that its first page already spoke for. */
  urgency: AlarmView["priority"];
}

interface Row {
  alarm: string;
  occurrence: number;
  state: CallState;
  next_at: EpochMs | null;
  lead: string | null;
  incident: string | null;
  call: string;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS delivery_call (
  alarm TEXT PRIMARY KEY, occurrence INTEGER NOT NULL, state TEXT NOT NULL, next_at INTEGER,
  lead TEXT, incident TEXT, call TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS delivery_call_due ON delivery_call (next_at) WHERE state = 'running';
CREATE INDEX IF NOT EXISTS delivery_call_lead ON delivery_call (lead) WHERE lead IS NOT NULL;
`;

/** As many rows as there are alarms that stand, no more. */
export class CallTable {
  readonly #sql;

  constructor(db: HubDb) {
    db.exec(SCHEMA);
    this.#sql = {
      get: db.prepare<[string], Row>("SELECT * FROM delivery_call WHERE alarm = ?"),
      all: db.prepare<[], Row>("SELECT * FROM delivery_call ORDER BY rowid"),
      due: db.prepare<[EpochMs], Row>(
        `SELECT * FROM delivery_call WHERE state = 'running' AND next_at <= ? ORDER BY next_at LIMIT 500`,
      ),
      nextAt: db
        .prepare<[], EpochMs | null>(
          "SELECT min(next_at) FROM delivery_call WHERE state = 'running'",
        )
        .pluck(),
      ledBy: db.prepare<[string], Row>("SELECT * FROM delivery_call WHERE lead = ?"),
      ofIncident: db.prepare<[string], Row>("SELECT * FROM delivery_call WHERE incident = ?"),
      save: db.prepare<Row>(
        `INSERT INTO delivery_call VALUES (@alarm, @occurrence, @state, @next_at, @lead, @incident, @call)
         ON CONFLICT (alarm) DO UPDATE SET occurrence = excluded.occurrence, state = excluded.state,
         next_at = excluded.next_at, lead = excluded.lead, incident = excluded.incident,
         call = excluded.call`,
      ),
      remove: db.prepare<[string]>("DELETE FROM delivery_call WHERE alarm = ?"),
    };
  }

  get = (alarm: string): Call | undefined => {
    const row = this.#sql.get.get(alarm);
    return row && toCall(row);
  };
  all = (): Call[] => this.#sql.all.all().map(toCall);
  due = (now: EpochMs): Call[] => this.#sql.due.all(now).map(toCall);
  nextAt = (): EpochMs | null => (this.#sql.nextAt.get() as EpochMs | null | undefined) ?? null;
  /** Folded calls that the alarm speaks for. */
  foldedUnder = (lead: string): Call[] =>
    this.#sql.ledBy
      .all(lead)
      .map(toCall)
      .filter(({ state }) => state === "folded");
  ofIncident = (incident: string): Call[] => this.#sql.ofIncident.all(incident).map(toCall);
  remove = (alarm: string): void => void this.#sql.remove.run(alarm);

  save(call: Call): void {
    const { alarm, occurrence, state, nextAt, lead, incident } = call;
    const row = { alarm, occurrence, state, next_at: nextAt, lead, incident };
    this.#sql.save.run({ ...row, call: JSON.stringify(call) });
  }
}

function toCall({ call, ...row }: Row): Call {
  const { alarm, occurrence, state, next_at: nextAt, lead, incident } = row;
  return { ...(JSON.parse(call) as Call), alarm, occurrence, state, nextAt, lead, incident };
}
