import { readFile, statfs } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../contract/clock.ts";
import { isId } from "../contract/id.ts";
import type { BusLoop } from "./poll/loop.ts";
import { WriteBudget, writtenBytes } from "./write-budget.ts";

const LAG_EVERY_MS = 1_000;
const LOOK_EVERY_MS = 10_000;
const CPU_TEMPERATURE_FILE = "/sys/class/thermal/thermal_zone0/temp";

/** Plain numbers about the node itself, for its status message. */
export interface HealthWatch {
  numbers(): Record<string, number>;
  freeBytes(): number;
  /** Measures disk and temperature once. */
  look(): Promise<void>;
  run(signal: AbortSignal): Promise<void>;
}

export function createHealthWatch(deps: {
  loops: readonly BusLoop[];
  /** Null while rows are kept in memory only: that disk is not to be asked. */
  spoolPath: string | null;
  clock: Clock;
  written?: () => Promise<number | undefined>;
}): HealthWatch {
  const { loops, spoolPath, clock, written = writtenBytes } = deps;
  const budget = new WriteBudget();
  let freeBytes = Number.MAX_SAFE_INTEGER;
  let wroteBytes: number | undefined;
  let cpuC: number | undefined;
  let lagMs = 0;

  const look = async () => {
    if (spoolPath !== null) {
      const { bavail, bsize } = await statfs(path.dirname(spoolPath));
      freeBytes = bavail * bsize;
    }
    wroteBytes = await written();
    if (wroteBytes !== undefined) budget.note(wroteBytes, clock.monoMs());
    cpuC = await cpuTemperatureC();
  };

  return {
    look,
    freeBytes: () => freeBytes,
    numbers() {
      const perDay = budget.bytesPerDay();
      const numbers: Record<string, number> = {
        ...(spoolPath === null ? {} : { "disk-free-bytes": freeBytes }),
        ...(wroteBytes === undefined ? {} : { "disk-written-bytes": wroteBytes }),
        ...(perDay === undefined ? {} : { "disk-written-bytes-per-day": perDay }),
        "event-loop-lag-ms": Math.round(lagMs),
        "memory-bytes": process.memoryUsage.rss(),
        ...(cpuC === undefined ? {} : { "cpu-temperature-c": cpuC }),
        ...Object.assign({}, ...loops.map(busNumbers)),
      };
      lagMs = 0;
      // A very long bus id gives no valid name; leaving the number out beats a refused message.
      return Object.fromEntries(Object.entries(numbers).filter(([name]) => isId(name)));
    },
    async run(signal) {
      let lookAtMs = clock.monoMs() + LOOK_EVERY_MS;
      while (!signal.aborted) {
        const beganMs = clock.monoMs();
        await clock.sleep(LAG_EVERY_MS, signal);
        if (signal.aborted) return;
        lagMs = Math.max(lagMs, clock.monoMs() - beganMs - LAG_EVERY_MS);
        if (clock.monoMs() < lookAtMs) continue;
        await look();
        lookAtMs = clock.monoMs() + LOOK_EVERY_MS;
      }
    },
  };
}

function busNumbers(loop: BusLoop): Record<string, number> {
  const { ok, failed, lagMs, open } = loop.health();
  return {
    [`bus.${loop.bus}.ok`]: ok,
    [`bus.${loop.bus}.failed`]: failed,
    [`bus.${loop.bus}.lag-ms`]: Math.round(lagMs),
    [`bus.${loop.bus}.open`]: open ? 1 : 0,
  };
}

async function cpuTemperatureC(): Promise<number | undefined> {
  try {
    const milliC = Number(await readFile(CPU_TEMPERATURE_FILE, "utf8"));
    return Number.isFinite(milliC) ? milliC / 1_000 : undefined;
  } catch (error) {
    // Not every machine has such a sensor, and some have one that cannot be read.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
