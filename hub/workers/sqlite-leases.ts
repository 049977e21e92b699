import { readFileSync } from "node:fs";
import Database from "better-sqlite3";
import type { Held, Leases } from "./leases.ts";

/** Time that all processes of a machine share and nobody can set. */
export interface MachineTime {
  /** Different after each start of the machine. */
  bootId: string;
  /** Milliseconds since then. */
  uptimeMs(): number;
}

export const machineTime = (): MachineTime => ({
  bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
  uptimeMs: () => Number(process.hrtime.bigint() / 1_000_000n),
});

interface Row {
  name: string;
  owner: string;
  token: number;
  boot: string;
  expires_ms: number;
}

/**
 * Leases in a file of their own, for processes of one machine: SQLite does not work over a network file
 * system. Their time is the machine's uptime, so that setting the clock ends none.
 */
export function openSqliteLeases(file: string, time: MachineTime = machineTime()): Leases {
  const db = new Database(file);
  db.pragma("busy_timeout = 2000");
  db.pragma("journal_mode = WAL");
  // A token that has been given out must not be given out again after a power cut.
  db.pragma("synchronous = FULL");
  db.exec(`CREATE TABLE IF NOT EXISTS lease (
    name TEXT PRIMARY KEY, owner TEXT NOT NULL, token INTEGER NOT NULL,
    boot TEXT NOT NULL, expires_ms INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`);
  const one = db.prepare<[string], Row>("SELECT * FROM lease WHERE name = ?");
  const all = db.prepare<[string, number], Pick<Row, "name" | "owner">>(
    "SELECT name, owner FROM lease WHERE boot = ? AND expires_ms > ? ORDER BY name",
  );
  const save = db.prepare<Row>(
    `INSERT INTO lease VALUES (@name, @owner, @token, @boot, @expires_ms)
     ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, token = excluded.token,
       boot = excluded.boot, expires_ms = excluded.expires_ms`,
  );
  const free = db.prepare(
    "UPDATE lease SET owner = '', expires_ms = 0 WHERE name = ? AND owner = ?",
  );
  const boot = time.bootId;

  const holdOne = (owner: string, name: string, ttlMs: number): Held[] => {
    const row = one.get(name);
    const nowMs = time.uptimeMs();
    const mine = row?.owner === owner && row.boot === boot;
    const inForce = row !== undefined && row.boot === boot && row.expires_ms > nowMs;
    if (inForce && !mine) return [];
    const token = mine ? row.token : (row?.token ?? 0) + 1;
    save.run({ name, owner, token, boot, expires_ms: Math.ceil(nowMs + ttlMs) });
    const dropped = row !== undefined && !mine && row.owner !== "" && row.boot === boot;
    return [{ name, token, takenFrom: dropped ? row.owner : null }];
  };
  const holdAll = db.transaction((owner: string, names: readonly string[], ttlMs: number) =>
    names.flatMap((name) => holdOne(owner, name, ttlMs)),
  );
  const releaseAll = db.transaction((owner: string, names: readonly string[]) => {
    for (const name of names) free.run(name, owner);
  });
  return {
    hold: async (owner, names, ttlMs) => holdAll.immediate(owner, names, ttlMs),
    release: async (owner, names) => releaseAll.immediate(owner, names),
    inForce: async () => all.all(boot, time.uptimeMs()),
    close: () => {
      db.close();
    },
  };
}
