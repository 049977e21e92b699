import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { HealthWatch } from "./health.ts";
import type { Readings } from "./readings.ts";
import type { Spool } from "./spool/spool.ts";
import { LOW_DISK_BYTES } from "./spool/sqlite-spool.ts";

export interface SpoolKeeperDeps {
  spool: Spool;
  readings: Pick<Readings, "taken" | "event">;
  health: Pick<HealthWatch, "freeBytes">;
  /** Told that rows were committed. */
  onRows: () => void;
  commitEveryMs: number;
  clock: Clock;
  log: Logger;
}

/** Commits every window, makes room where needed, and hands the rows over. Throws when the disk refuses. */
export async function keepSpool(deps: SpoolKeeperDeps, signal: AbortSignal): Promise<void> {
  const { spool, readings, health, clock, log } = deps;
  let low = false;
  while (!signal.aborted) {
    await clock.sleep(deps.commitEveryMs, signal);
    spool.commit();
    const freeBytes = health.freeBytes();
    spool.trim({ now: clock.nowMs(), taken: readings.taken(), freeBytes });
    deps.onRows();
    if (freeBytes < LOW_DISK_BYTES === low) continue;
    low = !low;
    if (!low) continue;
    const detail = `${Math.round(freeBytes / 1_048_576)} MB free on the spool's disk`;
    log.warn({ freeBytes }, "disk low");
    readings.event({ type: "node", what: "disk-low", at: clock.nowMs(), detail });
  }
}
