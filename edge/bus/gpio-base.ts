import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "./errno.ts";
import { DeviceError } from "./port.ts";

/** The Raspberry Pi's header chips, Pi 5 first: how the kernel labels them, and what the device tree calls them. */
const HEADER_LABELS = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];
const HEADER_COMPATIBLE = ["raspberrypi,rp1-gpio", "brcm,bcm2711-gpio", "brcm,bcm2835-gpio"];

export interface GpioChip {
  label: string;
  /** sysfs number of the chip's line 0. It changed with kernels and boards (0, 399, 512, 569, 571). */
  base: number;
  lines: number;
}

interface SysfsChip extends GpioChip {
  /** What its device-tree node says it is. Empty without a device tree. */
  compatible: string[];
}

/** A chip as its finder knows it. */
interface Labelled {
  label: string;
  compatible?: readonly string[];
}

/**
 * Finds the chip with this label, or with `auto` the header chip, among `/sys/class/gpio`.
 * Throws `DeviceError` "bus", naming what is there, when there is none or more than one.
 */
export async function findGpioChip(root: string, wanted: string): Promise<GpioChip> {
  const chips = await listChips(root);
  const { label, base, lines } = pickChip(
    chips,
    wanted,
    (chip) => `${chip.label} (base ${chip.base}, ${chip.lines} lines)`,
  );
  return { label, base, lines };
}

/** The one chip with this label, or with `auto` the header chip by label or else by device tree. Never guesses. */
export function pickChip<T extends Labelled>(
  chips: readonly T[],
  wanted: string,
  describe: (chip: T) => string,
): T {
  const labels = wanted === "auto" ? HEADER_LABELS : [wanted];
  const byLabel = labels.map((label) => chips.filter((chip) => chip.label === label));
  const byTree = HEADER_COMPATIBLE.map((name) =>
    chips.filter((chip) => chip.compatible?.includes(name)),
  );
  const found = wanted === "auto" ? [...byLabel, ...byTree] : byLabel;
  const matches = found.find((some) => some.length > 0) ?? [];
  const [match] = matches;
  if (match && matches.length === 1) return match;
  const there = chips.map(describe).join(", ");
  throw new DeviceError(
    "bus",
    `${matches.length} GPIO chips are labelled ${labels.join(" or ")}; there are ${there || "none"}`,
  );
}

async function listChips(root: string): Promise<SysfsChip[]> {
  try {
    const names = (await readdir(root)).filter((name) => name.startsWith("gpiochip"));
    return await Promise.all(names.map((name) => readChip(path.join(root, name))));
  } catch (error) {
    throw new DeviceError(
      "bus",
      `${root} cannot be read (${errorCode(error)}); this kernel may lack sysfs GPIO`,
    );
  }
}

async function readChip(folder: string): Promise<SysfsChip> {
  const text = async (name: string) => (await readFile(path.join(folder, name), "latin1")).trim();
  return {
    label: await text("label"),
    base: Number(await text("base")),
    lines: Number(await text("ngpio")),
    compatible: await readCompatible(path.join(folder, "device", "of_node", "compatible")),
  };
}

/** The names in a device-tree file stand one after another, each ended by a NUL. */
async function readCompatible(file: string): Promise<string[]> {
  try {
    return (await readFile(file, "latin1")).split("\0").filter((name) => name !== "");
  } catch (error) {
    if (["ENOENT", "ENOTDIR", "ELOOP"].includes(errorCode(error))) return [];
    throw error;
  }
}
