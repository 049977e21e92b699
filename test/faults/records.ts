import { existsSync } from "node:fs";
import path from "node:path";
import Database from "better-sqlite3";
import { ChainCheck, type Verdict } from "../../hub/ledger/chain.ts";
import type { LedgerRow } from "../../hub/ledger/ledger-table.ts";
import type { Series } from "./journal.ts";

export interface AlarmRecord {
  alarm: string;
  change: string;
  occurrence: number;
}

/** What the hub keeps, read from its own files. */
export class HubRecords {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Every alarm record in order; undefined while the file cannot be read. */
  alarmsNow(like: string): AlarmRecord[] | undefined {
    if (!existsSync(path.join(this.#folder, "hub.db"))) return undefined;
    try {
      return this.alarms(like);
    } catch (error) {
      if (error instanceof Database.SqliteError) return undefined;
      throw error;
    }
  }

  alarms(like = "%"): AlarmRecord[] {
    return this.#read("hub.db", (db) =>
      db
        .prepare<[string], AlarmRecord>(
          `SELECT substr(type, 7) AS change, json_extract(record, '$.alarm') AS alarm,
             json_extract(record, '$.occurrence') AS occurrence
           FROM ledger WHERE type LIKE 'alarm.%' AND json_extract(record, '$.alarm') LIKE ?
           ORDER BY seq`,
        )
        .all(like),
    );
  }

  /** Everything that came from nodes, in the order it was recorded. */
  fromNodes(): LedgerRow[] {
    return this.#read("hub.db", (db) =>
      db
        .prepare<[], LedgerRow>(
          "SELECT * FROM ledger WHERE node IS NOT NULL AND epoch IS NOT NULL ORDER BY seq",
        )
        .all(),
    );
  }

  chain(): Verdict {
    return this.#read("hub.db", (db) => {
      const check = new ChainCheck();
      for (const row of db.prepare<[], LedgerRow>("SELECT * FROM ledger ORDER BY seq").iterate()) {
        const broken = check.next(row);
        if (broken) return broken;
      }
      return check.whole();
    });
  }

  outbox(): { key: string; alarm: string; occurrence: number; change: string; state: string }[] {
    return this.#read("hub.db", (db) =>
      db
        .prepare<
          [],
          { key: string; alarm: string; occurrence: number; change: string; state: string }
        >("SELECT key, alarm, occurrence, change, state FROM outbox ORDER BY id")
        .all(),
    );
  }

  quarantined(): { node: string; why: string; count: number }[] {
    return this.#read("hub.db", (db) =>
      db
        .prepare<[], { node: string; why: string; count: number }>(
          "SELECT node, why, count(*) AS count FROM quarantine GROUP BY node, why",
        )
        .all(),
    );
  }

  /** Undefined when history is in InfluxDB. */
  get sqlite(): StoredHistory | undefined {
    const file = "history.db";
    if (!existsSync(path.join(this.#folder, file))) return undefined;
    const ofPoint = "point = (SELECT id FROM point WHERE name = ?)";
    return {
      series: async () =>
        this.#read(file, (db) => {
          const rows = db
            .prepare<[], Series & { name: string }>(
              `SELECT name, count(*) AS count, total(value) AS sum, max(value) AS max
               FROM reading JOIN point ON point.id = reading.point GROUP BY name`,
            )
            .all();
          return new Map(rows.map(({ name, ...series }) => [name, series]));
        }),
      values: async (point) =>
        this.#read(file, (db) =>
          db
            .prepare<[string], number>(`SELECT value FROM reading WHERE ${ofPoint}`)
            .pluck()
            .all(point),
        ),
      has: async (point, at) =>
        this.#read(
          file,
          (db) =>
            db.prepare(`SELECT 1 FROM reading WHERE ${ofPoint} AND at = ?`).get(point, at) !==
            undefined,
        ),
    };
  }

  #read<T>(file: string, look: (db: Database.Database) => T): T {
    const db = new Database(path.join(this.#folder, file), { readonly: true, timeout: 2_000 });
    try {
      return look(db);
    } finally {
      db.close();
    }
  }
}

export interface StoredHistory {
  series(): Promise<Map<string, Series>>;
  values(point: string): Promise<number[]>;
  has(point: string, at: number): Promise<boolean>;
}

export function influxStored(url: string): StoredHistory {
  const ask = async (q: string) => {
    const answer = await fetch(`${url}/query?${new URLSearchParams({ db: "plenum", q })}`);
    if (!answer.ok) throw new Error(`InfluxDB answered ${answer.status} to ${q}`);
    const body = (await answer.json()) as {
      results: { error?: string; series?: InfluxSeries[] }[];
    };
    const [result] = body.results;
    if (result?.error) throw new Error(`InfluxDB says ${result.error} to ${q}`);
    return result?.series ?? [];
  };
  const q = (point: string) => `FROM "point" WHERE "point" = '${point}'`;
  return {
    async series() {
      const found = await ask(
        'SELECT count("q"), sum("value"), max("value") FROM "point" GROUP BY "point"',
      );
      return new Map(
        found.map(({ tags, values }) => {
          const [, count, sum, max] = values[0] ?? [];
          return [tags?.point ?? "", { count: count ?? 0, sum: sum ?? 0, max: max ?? null }];
        }),
      );
    },
    values: async (point) =>
      (await ask(`SELECT "value" ${q(point)}`)).flatMap(({ values }) =>
        values.map(([, value]) => value ?? Number.NaN),
      ),
    has: async (point, at) => (await ask(`SELECT "q" ${q(point)} AND time = ${at}ms`)).length > 0,
  };
}

interface InfluxSeries {
  tags?: { point: string };
  values: (number | null)[][];
}
