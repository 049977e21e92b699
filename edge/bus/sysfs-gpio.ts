import { readFile } from "node:fs/promises";
import path from "node:path";
import type { Gpio } from "onoff";
import type { Clock } from "../../contract/clock.ts";
import { errorCode } from "./errno.ts";
import { findGpioChip } from "./gpio-base.ts";
import { DeviceError, type GpioPort } from "./port.ts";

/** onoff drops an edge whose level has changed again by the time it looks; a level read finds it. */
const RECHECK_MS = 2_000;

export interface OnoffPackage {
  Gpio: new (gpio: number, direction: "in" | "high" | "low", edge?: "both") => Gpio;
}

/** Lines of this machine through sysfs and the npm package onoff, loaded on first use. */
export async function openSysfsGpio(deps: {
  /** Chip label, or `auto` for the Raspberry Pi header. */
  chip: string;
  clock: Clock;
  root?: string;
  load?: () => Promise<OnoffPackage>;
}): Promise<GpioPort> {
  const { clock, root = "/sys/class/gpio", load = loadOnoff } = deps;
  const chip = await findGpioChip(root, deps.chip);
  const { Gpio } = await load();
  const open = new Map<number, Gpio>();
  const watched = new Map<number, { last: 0 | 1; onLevel: (level: 0 | 1) => void }>();
  const stop = new AbortController();

  const line = async (offset: number, direction: "in" | "high" | "low") => {
    const known = open.get(offset);
    if (known) return known;
    if (offset >= chip.lines)
      throw new DeviceError("bus", `${chip.label} has lines 0–${chip.lines - 1}, not ${offset}`);
    const gpio = guarded(chip.base + offset, "opened", () =>
      direction === "in"
        ? new Gpio(chip.base + offset, "in", "both")
        : new Gpio(chip.base + offset, direction),
    );
    open.set(offset, gpio);
    await checkDirection(root, chip.base + offset, direction === "in" ? "in" : "out");
    return gpio;
  };
  const levelOf = (offset: number, gpio: Gpio) =>
    guarded(chip.base + offset, "read", () => gpio.readSync());
  const notice = (offset: number, level: 0 | 1) => {
    const watcher = watched.get(offset);
    if (!watcher || watcher.last === level) return;
    watcher.last = level;
    watcher.onLevel(level);
  };
  const recheck = async () => {
    while (!stop.signal.aborted) {
      await clock.sleep(RECHECK_MS, stop.signal);
      for (const offset of watched.keys()) {
        const gpio = open.get(offset);
        if (gpio && !stop.signal.aborted) notice(offset, levelOf(offset, gpio));
      }
    }
  };

  // A chip that cannot be read any more is over; whoever reads it next is told why.
  const closed = recheck().catch((error: unknown) => {
    if (!(error instanceof DeviceError)) throw error;
  });
  return {
    watch: async (offset, onLevel) => {
      const gpio = await line(offset, "in");
      const level = levelOf(offset, gpio);
      watched.set(offset, { last: level, onLevel });
      onLevel(level);
      gpio.watch((error, value) => {
        if (!error) notice(offset, value);
      });
    },
    read: async (offset) => levelOf(offset, await line(offset, "in")),
    write: async (offset, level) => {
      // Opening with the level itself: "out" would first drive low, and a relay would click.
      const gpio = await line(offset, level === 1 ? "high" : "low");
      guarded(chip.base + offset, "written", () => gpio.writeSync(level));
    },
    close: async () => {
      stop.abort();
      for (const gpio of open.values()) gpio.unexport();
      open.clear();
      await closed;
    },
    closed,
  };
}

function guarded<T>(gpio: number, how: "opened" | "read" | "written", work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new DeviceError("bus", `GPIO ${gpio} cannot be ${how} (${errorCode(error)})`);
  }
}

/** onoff swallows a refused direction when the line was already exported, so it is read back. */
async function checkDirection(root: string, gpio: number, wanted: "in" | "out"): Promise<void> {
  const file = path.join(root, `gpio${gpio}`, "direction");
  const found = (await readFile(file, "latin1")).trim();
  if (found !== wanted) throw new DeviceError("bus", `GPIO ${gpio} is "${found}", not "${wanted}"`);
}

async function loadOnoff(): Promise<OnoffPackage> {
  try {
    return await import("onoff");
  } catch (error) {
    throw new DeviceError("bus", `the package onoff cannot be loaded (${errorCode(error)})`);
  }
}
