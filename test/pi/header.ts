import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { systemClock } from "../../contract/clock.ts";
import { findGpioChip } from "../../edge/bus/gpio-base.ts";
import { openGpiomon } from "../../edge/bus/gpiomon.ts";

const SYSFS = "/sys/class/gpio";

/** The far end of the GPIO header's lines, simulated by the kernel's own gpio-sim. */
const simulated = (line: number, file: string) =>
  path.join(process.env.PLENUM_PI_GPIO ?? "", `sim_gpio${line}`, file);

/** Sets the level that something outside gives an input. */
export function setLevel(line: number, level: 0 | 1): void {
  writeFileSync(simulated(line, "pull"), level ? "pull-up" : "pull-down");
}

/** The level that an output is driven to. */
export function drivenLevel(line: number): 0 | 1 {
  return readFileSync(simulated(line, "value"), "utf8").trim() === "1" ? 1 : 0;
}

/** How the edge program is to reach the header: by sysfs, or, as on kernels to come, without it. */
export type Backend = "sysfs" | "gpiomon";

/** Makes this kernel look like one without sysfs GPIO where the backend wants that. */
export function prepareHeader(backend: Backend): void {
  if (backend === "sysfs") return;
  const { status } = spawnSync("mount", ["-t", "tmpfs", "tmpfs", SYSFS], { stdio: "inherit" });
  if (status !== 0) throw new Error(`${SYSFS} cannot be hidden`);
}

/** Where this kernel put the header, for the record. */
export async function describeHeader(backend: Backend): Promise<string> {
  if (backend === "sysfs") {
    const { label, base } = await findGpioChip(SYSFS, "auto");
    return `${label} at ${base}`;
  }
  const port = await openGpiomon({ chip: "auto", clock: systemClock });
  await port.close();
  return port.found;
}
