import { readFile, statfs } from "node:fs/promises";
import path from "node:path";
import type { Clock } from "../contract/clock.ts";
import { isId } from "../contract/id.ts";
import type { BusLoop } from "./poll/loop.ts";

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
  spoolPath: string;
  clock: Clock;
}): HealthWatch {
  const { loops, spoolPath, clock } = deps;
  let freeBytes = Number.MAX_SAFE_INTEGER;
  let cpuC: number | undefined;
  let lagMs = 0;

  const look = async () => {
    const { bavail, bsize } = await statfs(path.dirname(spoolPath));
    freeBytes = bavail * bsize;
    cpuC = await cpuTemperatureC();
  };

  return {
    look,
    freeBytes: () => freeBytes,
    numbers() {
      const numbers: Record<string, number> = {
        "disk-free-bytes": freeBytes,
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
