import type { AlarmState } from "../../contract/alarm/engine.ts";
import type { Priority } from "../../contract/alarm/rule.ts";
import type { HubDb } from "../state/hub-db.ts";
import type { Face } from "./alarm-face.ts";

/** An alarm as it stands in hub.db. A row stays for ever: it counts the alarm's occurrences. */
export interface StoredAlarm {
  id: string;
  rule: string;
  subject: string;
  priority: Priority;
  state: AlarmState;
  face: Face;
  /** Receivers who were told of the present occurrence and must hear of its end. */
  told: string[];
}

interface Row {
  id: string;
  rule: string;
  subject: string;
  priority: Priority;
  state: string;
  face: string;
  told: string;
}

export class AlarmStore {
  readonly #all;
  readonly #upsert;

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS alarm (
      id TEXT PRIMARY KEY, rule TEXT NOT NULL, subject TEXT NOT NULL,
      priority INTEGER NOT NULL, state TEXT NOT NULL, face TEXT NOT NULL, told TEXT NOT NULL
    ) STRICT`);
    this.#all = db.prepare<[], Row>("SELECT * FROM alarm ORDER BY rowid");
    this.#upsert = db.prepare<Row>(
      `INSERT INTO alarm VALUES (@id, @rule, @subject, @priority, @state, @face, @told)
       ON CONFLICT (id) DO UPDATE SET rule = excluded.rule, subject = excluded.subject,
       priority = excluded.priority, state = excluded.state, face = excluded.face, told = excluded.told`,
    );
  }

  load(): StoredAlarm[] {
    return this.#all.all().map((row) => ({
      ...row,
      state: JSON.parse(row.state) as AlarmState,
      face: JSON.parse(row.face) as Face,
      told: JSON.parse(row.told) as string[],
    }));
  }

  save({ id, rule, subject, priority, state, face, told }: StoredAlarm): void {
    this.#upsert.run({
      ...{ id, rule, subject, priority },
      state: JSON.stringify(state),
      face: JSON.stringify(face),
      told: JSON.stringify(told),
    });
  }
}
