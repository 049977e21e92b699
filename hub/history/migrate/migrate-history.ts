import { existsSync } from "node:fs";
import path from "node:path";
import { pino } from "pino";
import type { Clock } from "../../../contract/clock.ts";
import type { InfluxTarget } from "../../config/hub-config.ts";
import { openKnownNodes } from "../../live/known-nodes.ts";
import { openHubDb } from "../../state/hub-db.ts";
import { TIERS } from "../aggregate.ts";
import { openInfluxHistory } from "../influx-history.ts";
import { openSqliteHistory } from "../sqlite-history.ts";
import { type HistoryStore, StoreError } from "../store.ts";
import { difference } from "./comparison.ts";
import { Migration, oldestKept } from "./migration.ts";
import { MarkFile } from "./migration-mark.ts";
import { MigrationSource, type SourcePoint } from "./migration-source.ts";
import { ProgressMeter } from "./progress-meter.ts";

/** Differences that are told one by one; of the others there is a count. */
const MAX_TOLD = 20;
const log = pino({ level: "silent" });

export interface MigrateDeps {
  /** The hub's folder. */
  storage: string;
  influx: InfluxTarget;
  clock: Clock;
  tell(line: string): void;
  signal: AbortSignal;
}

export type MigrateResult =
  | { done: true; rows: number }
  | { done: false; why: string; differences: string[] };

/**
 * Copies history.db into an InfluxDB and compares both, point by point. Killed at any time it goes on
 * where it was; whatever is written twice is stored once. The hub must not run meanwhile.
 */
export async function migrateHistory(deps: MigrateDeps): Promise<MigrateResult> {
  const { storage, influx, clock, tell, signal } = deps;
  const file = path.join(storage, "history.db");
  if (!existsSync(file))
    return { done: false, why: `${file} is not there: nothing to migrate.`, differences: [] };
  const target = openInfluxHistory({ ...influx, log, clock });
  // Opened for writing once, so that a file of an older version gets its tables.
  const here = openSqliteHistory({ path: file, log, clock });
  const source = new MigrationSource(file, nodesOf(storage));
  const mark = new MarkFile(path.join(storage, "history-migration.json"));
  try {
    await target.prepare(signal);
    const targetName = `${influx.url} ${influx.database}`;
    const migration = new Migration({ source, target, targetName, mark, clock, tell });
    const whole = await migration.copy(signal);
    if (!whole) return { done: false, why: "Stopped; run it again to go on.", differences: [] };
    tell(`Copied ${migration.rows.toLocaleString("en")} rows; comparing.`);
    const pair: [HistoryStore, HistoryStore] = [here, target];
    let off = await compare(pair, source.points(), deps);
    for (const { point } of off) await migration.copyAgain(point, signal);
    if (off.length > 0)
      off = await compare(
        pair,
        off.map(({ point }) => point),
        deps,
      );
    const { refused } = migration;
    if (refused.rows > 0) tell(`InfluxDB refused ${refused.rows} rows for ever: ${refused.why}`);
    if (off.length > 0)
      return {
        done: false,
        why: `${off.length} points differ.`,
        differences: off.slice(0, MAX_TOLD).map(({ why }) => why),
      };
    mark.remove();
    return { done: true, rows: migration.rows };
  } finally {
    source.close();
    await here.close();
    await target.close();
  }
}

interface Differing {
  point: SourcePoint;
  why: string;
}

/** Points of which the stores do not hold the same, among what is not about to be dropped. */
async function compare(
  stores: [HistoryStore, HistoryStore],
  points: readonly SourcePoint[],
  { clock, tell, signal }: MigrateDeps,
): Promise<Differing[]> {
  const now = clock.nowMs();
  const meter = new ProgressMeter(clock, tell, 0);
  const off: Differing[] = [];
  for (const [i, point] of points.entries()) {
    if (signal.aborted) throw new StoreError("retry", "stopped while comparing");
    for (const tier of TIERS) {
      const range = { fromMs: oldestKept(tier, now), toMs: now };
      const why = await difference(stores, { tier, point: point.name }, range);
      if (why !== undefined) off.push({ point, why });
      if (why !== undefined) break;
    }
    meter.done(`comparing ${point.name}`, 1, (i + 1) / points.length);
  }
  return off;
}

/** Which node each point belongs to, from the births the hub remembers. */
function nodesOf(storage: string): Map<string, string> {
  const file = path.join(storage, "hub.db");
  const nodes = new Map<string, string>();
  if (!existsSync(file)) return nodes;
  const db = openHubDb(file);
  try {
    for (const { birth, retired } of openKnownNodes(db, log).load())
      for (const point of [...retired, ...birth.points.map(({ id }) => id)])
        nodes.set(point, birth.node);
  } finally {
    db.close();
  }
  return nodes;
}
