import { readdir, readFile, statfs } from "node:fs/promises";
import path from "node:path";
import type { QuantityId } from "../../contract/quantity.ts";
import { errorCode } from "../bus/errno.ts";
import { DeviceError } from "../bus/port.ts";

/** One thing about the node itself that can be measured. */
export interface Gauge {
  /** Role of its point: `cpu-temperature` of `pi-1.cpu-temperature`. */
  role: string;
  quantity: QuantityId;
  label: string;
  /** In the unit of the quantity. Throws `DeviceError` when there is no value now. */
  read(): Promise<number>;
}

/** What one machine command printed. Throws `DeviceError` when it is missing, fails or takes too long. */
export type Run = (command: string, args: readonly string[]) => Promise<string>;

/** Raspberry Pi firmware, `vcgencmd get_throttled`: bits 0 and 2 are now, 16 and 18 since boot. */
const UNDER_VOLTAGE = 0;
const THROTTLED = 2;
const SINCE_BOOT = 16;

/** °C of the processor. */
export function cpuTemperature(file = "/sys/class/thermal/thermal_zone0/temp"): Gauge {
  return {
    role: "cpu-temperature",
    quantity: "temperature",
    label: "Processor temperature",
    read: async () => number(await text(file), file) / 1_000,
  };
}

/** Supply and slowing-down as the Pi's firmware sees them; one call serves all four. */
export function firmwareGauges(run: Run): Gauge[] {
  const flag = (role: string, label: string, bit: number): Gauge => ({
    role,
    quantity: "flag",
    label,
    read: async () => (throttledBits(await run("vcgencmd", ["get_throttled"])) >> bit) & 1,
  });
  return [
    flag("under-voltage", "Supply voltage too low (1 = now)", UNDER_VOLTAGE),
    flag(
      "under-voltage-seen",
      "Supply was too low since boot (1 = yes)",
      UNDER_VOLTAGE + SINCE_BOOT,
    ),
    flag("throttled", "Processor slowed down (1 = now)", THROTTLED),
    flag(
      "throttled-seen",
      "Processor was slowed down since boot (1 = yes)",
      THROTTLED + SINCE_BOOT,
    ),
  ];
}

/** The bits of `throttled=0x50005`. Throws `DeviceError`. */
export function throttledBits(printed: string): number {
  const bits = /^throttled=0x([0-9a-f]{1,8})$/im.exec(printed.trim())?.[1];
  if (bits === undefined) throw new DeviceError("not-available", `"${printed.slice(0, 40)}"`);
  return Number.parseInt(bits, 16);
}

/** V at the supply socket, which a Raspberry Pi 5 measures. */
export function supplyVoltage(run: Run): Gauge {
  return {
    role: "supply-voltage",
    quantity: "voltage",
    label: "Supply voltage",
    read: async () => pmicVolts(await run("vcgencmd", ["pmic_read_adc", "EXT5V_V"])),
  };
}

/** The number of `EXT5V_V volt(24)=5.14000000V`. Throws `DeviceError`. */
export function pmicVolts(printed: string): number {
  const volts = /EXT5V_V volt\(\d+\)=(\d+\.\d+)V/.exec(printed)?.[1];
  if (volts === undefined) throw new DeviceError("not-available", `"${printed.slice(0, 40)}"`);
  return Number(volts);
}

/** Where there is no vcgencmd, the kernel's own alarm of the Pi (hwmon `rpi_volt`); undefined elsewhere. */
export async function kernelUnderVoltage(root = "/sys/class/hwmon"): Promise<Gauge | undefined> {
  for (const name of await folder(root)) {
    const file = path.join(root, name, "in0_lcrit_alarm");
    if ((await textOrEmpty(path.join(root, name, "name"))) !== "rpi_volt") continue;
    return {
      role: "under-voltage",
      quantity: "flag",
      label: "Supply voltage too low (1 = now)",
      read: async () => (number(await text(file), file) === 0 ? 0 : 1),
    };
  }
  return undefined;
}

/** % of the file system that the spool stands on. */
export function diskFree(spoolPath: string): Gauge {
  return {
    role: "disk-free",
    quantity: "level",
    label: "Disk free",
    read: async () => {
      const { bavail, blocks } = await statfs(path.dirname(spoolPath));
      if (blocks === 0) throw new DeviceError("not-available", "the file system has no size");
      return (100 * bavail) / blocks;
    },
  };
}

/** What a consumer card lasts ten years with: 32 GB written a thousand times over. */
const BUDGET_BYTES_PER_DAY = 8e9;

/** Bytes written a day, and which part that is of what the card endures. */
export function diskWrites(
  bytesPerDay: () => Promise<number | undefined>,
  budgetBytes = BUDGET_BYTES_PER_DAY,
): Gauge[] {
  const measured = async () => {
    const bytes = await bytesPerDay();
    if (bytes === undefined) throw new DeviceError("not-ready", "not measured for long enough");
    return bytes;
  };
  return [
    { role: "disk-writes", quantity: "count", label: "Bytes written a day", read: measured },
    {
      role: "disk-wear",
      quantity: "ratio",
      label: "Share of the card's write budget (1 = all of it)",
      read: async () => (await measured()) / budgetBytes,
    },
  ];
}

export function clockSynced(synced: () => boolean): Gauge {
  return {
    role: "clock-synced",
    quantity: "flag",
    label: "Clock set by a time source (1 = yes)",
    read: async () => (synced() ? 1 : 0),
  };
}

/** Seconds the clock is off, whichever way. */
export function clockOffset(run: Run): Gauge {
  return {
    role: "clock-offset",
    quantity: "duration",
    label: "Clock error",
    read: async () => chronyOffset(await run("chronyc", ["-c", "tracking"])),
  };
}

/** The fifth field of chrony's `tracking` line. Throws `DeviceError`, also while chrony has no source. */
export function chronyOffset(printed: string): number {
  const fields = printed.trim().split(",");
  const offset = Number(fields[4]);
  // Reference id 00000000: not synchronised, and the offset is just zero.
  if (fields.length < 14 || !Number.isFinite(offset) || fields[0] === "00000000")
    throw new DeviceError("not-available", "chrony is not synchronised");
  return Math.abs(offset);
}

/** The part of Node's event-loop histogram that is used; times in ns. */
export interface LagHistogram {
  percentile(percentile: number): number;
  reset(): void;
}

/** Seconds by which 99 of 100 turns of the program's loop are late at most, since the last look. */
export function loopLag(histogram: LagHistogram, resolutionMs: number): Gauge {
  return {
    role: "loop-lag",
    quantity: "duration",
    label: "Program late (99 %)",
    read: async () => {
      const latestNs = histogram.percentile(99);
      histogram.reset();
      if (!Number.isFinite(latestNs)) throw new DeviceError("not-ready", "not measured yet");
      // The histogram holds whole turns: the wait that was asked for, and what came on top.
      return Math.max(0, latestNs / 1e9 - resolutionMs / 1_000);
    },
  };
}

export function memoryUsed(): Gauge {
  return {
    role: "memory",
    quantity: "count",
    label: "Bytes of memory used",
    read: async () => process.memoryUsage.rss(),
  };
}

export function spoolBacklog(backlog: () => number): Gauge {
  return {
    role: "backlog",
    quantity: "count",
    label: "Rows waiting for the hub",
    read: async () => backlog(),
  };
}

function number(printed: string, where: string): number {
  const value = Number(printed.trim());
  if (printed.trim() !== "" && Number.isFinite(value)) return value;
  throw new DeviceError("not-available", `${where} holds "${printed.slice(0, 40)}"`);
}

async function text(file: string): Promise<string> {
  try {
    return await readFile(file, "latin1");
  } catch (error) {
    throw new DeviceError("not-available", `${file} cannot be read (${errorCode(error)})`);
  }
}

async function textOrEmpty(file: string): Promise<string> {
  try {
    return (await text(file)).trim();
  } catch (error) {
    if (error instanceof DeviceError) return "";
    throw error;
  }
}

async function folder(root: string): Promise<string[]> {
  try {
    return (await readdir(root)).sort();
  } catch (error) {
    if (error instanceof Error && "code" in error) return [];
    throw error;
  }
}
