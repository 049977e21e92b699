import { statfs } from "node:fs/promises";
import path from "node:path";
import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { Readings } from "./readings.ts";
import type { Spool } from "./spool/spool.ts";
import { FULL_DISK_BYTES, LOW_DISK_BYTES } from "./spool/sqlite-spool.ts";

export interface SpoolKeeperDeps {
  spool: Spool;
  readings: Pick<Readings, "taken" | "event">;
  /** Free bytes of the spool's disk, asked before every commit. Rejects when the disk cannot say. */
  freeBytes: () => Promise<number>;
  /** Told that rows were committed. */
  onRows: () => void;
  commitEveryMs: number;
  clock: Clock;
  log: Logger;
}

type DiskState = "roomy" | "low" | "full";
const WORSE: readonly DiskState[] = ["roomy", "low", "full"];

/** Commits every window, makes room where needed, and hands the rows over. Throws when the disk refuses. */
export async function keepSpool(deps: SpoolKeeperDeps, signal: AbortSignal): Promise<void> {
  const { spool, readings, clock, log } = deps;
  let state: DiskState = "roomy";
  while (!signal.aborted) {
    await clock.sleep(deps.commitEveryMs, signal);
    const freeBytes = await deps.freeBytes();
    spool.commit();
    spool.trim({ now: clock.nowMs(), taken: readings.taken(), freeBytes });
    deps.onRows();
    const found = diskState(freeBytes);
    if (found === state) continue;
    const worse = WORSE.indexOf(found) > WORSE.indexOf(state);
    state = found;
    log[worse ? "warn" : "info"]({ freeBytes, disk: found }, "disk space changed");
    if (!worse) continue;
    const kept = found === "full" ? "; readings are not kept until there is more" : "";
    const detail = `${Math.round(freeBytes / 1_048_576)} MB free on the spool's disk${kept}`;
    readings.event({ type: "node", what: "disk-low", at: clock.nowMs(), detail });
  }
}

/** Free bytes where the spool is. In memory (null) no disk is asked, and there is always room. */
export function freeBytesOf(spoolPath: string | null): () => Promise<number> {
  if (spoolPath === null) return async () => Number.MAX_SAFE_INTEGER;
  return async () => {
    const { bavail, bsize } = await statfs(path.dirname(spoolPath));
    return bavail * bsize;
  };
}

function diskState(freeBytes: number): DiskState {
  if (freeBytes < FULL_DISK_BYTES) return "full";
  return freeBytes < LOW_DISK_BYTES ? "low" : "roomy";
}
