import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import path from "node:path";
import type { BusConfig } from "../config/schema.ts";

type Bus<T extends BusConfig["type"]> = Extract<BusConfig, { type: T }>;

/** What a scan looks at. Serial lines come without their settings, which the scan finds. */
export interface ScanTargets {
  i2c: Bus<"i2c">[];
  oneWire: Bus<"one-wire">[];
  gpio: (Bus<"gpio"> & { lines?: number })[];
  serial: { id: string; device: string }[];
  modbusTcp: Bus<"modbus-tcp">[];
  nut: Bus<"nut">[];
  /** What is there but is left out, and why. */
  skipped: string[];
}

export const NO_TARGETS: ScanTargets = {
  i2c: [],
  oneWire: [],
  gpio: [],
  serial: [],
  modbusTcp: [],
  nut: [],
  skipped: [],
};

/** I2C adapters that lead to a screen's own chip, not to the header. */
const SCREEN_BUS = /hdmi|ddc|i915|nvidia|amdgpu/i;

/** The buses this machine has, by its device files. `root` is `/`, or in a test another folder. */
export function machineTargets(root = "/"): ScanTargets {
  const skipped: string[] = [];
  const i2c = names(root, "dev")
    .filter((name) => /^i2c-\d+$/.test(name))
    .sort(byNumber)
    .filter((id) => {
      const adapter = text(root, "sys/class/i2c-dev", id, "name");
      if (!SCREEN_BUS.test(adapter)) return true;
      skipped.push(`/dev/${id} leads to a screen (${adapter})`);
      return false;
    });
  const masters = names(root, "sys/bus/w1/devices").filter((name) => name.startsWith("w1_bus_"));
  return {
    ...NO_TARGETS,
    i2c: i2c.map((id) => ({ id, type: "i2c", device: `/dev/${id}` })),
    oneWire:
      masters.length > 0
        ? [{ id: "w1", type: "one-wire", path: path.join(root, "sys/bus/w1/devices") }]
        : [],
    gpio: gpioChips(root),
    serial: serialDevices(root, skipped).map((device, i) => ({ id: `rs485-${i + 1}`, device })),
    skipped,
  };
}

function gpioChips(root: string): ScanTargets["gpio"] {
  const folder = "sys/class/gpio";
  return names(root, folder)
    .filter((name) => name.startsWith("gpiochip"))
    .sort(byNumber)
    .map((name, i) => ({
      id: i === 0 ? "gpio" : `gpio-${i + 1}`,
      type: "gpio" as const,
      chip: text(root, folder, name, "label"),
      lines: Number(text(root, folder, name, "ngpio")),
    }))
    .filter(({ chip }) => /^[A-Za-z0-9_.-]{1,64}$/.test(chip));
}

/**
 * Names that stay when plugs are changed. Adapters without a serial number (CH340) share one name by id,
 * so they are named by their socket. The Pi's own ports have no such names.
 */
function serialDevices(root: string, skipped: string[]): string[] {
  const found = new Map<string, string>();
  for (const folder of ["dev/serial/by-id", "dev/serial/by-path"])
    for (const name of names(root, folder).sort()) {
      const link = path.join(root, folder, name);
      const target = existsSync(link) ? realpathSync(link) : undefined;
      if (target === undefined) skipped.push(`${link} leads nowhere`);
      else if (!found.has(target)) found.set(target, link);
    }
  for (const name of names(root, "dev").sort(byNumber)) {
    const device = path.join(root, "dev", name);
    if (/^tty(AMA|USB|ACM|SC)\d+$/.test(name) && !found.has(realpathSync(device)))
      found.set(realpathSync(device), device);
    // Its speed follows the processor's, and it has no parity.
    if (name === "ttyS0") skipped.push("/dev/ttyS0 is the mini UART, not fit for RS-485");
  }
  return [...found.values()];
}

function names(root: string, folder: string): string[] {
  const full = path.join(root, folder);
  return existsSync(full) ? readdirSync(full) : [];
}

function text(root: string, ...parts: string[]): string {
  const file = path.join(root, ...parts);
  return existsSync(file) ? readFileSync(file, "utf8").trim() : "";
}

const byNumber = (a: string, b: string) => a.localeCompare(b, "en", { numeric: true });
