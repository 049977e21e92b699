import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { errorCode } from "./errno.ts";
import { DeviceError } from "./port.ts";

/** The Raspberry Pi's header chips, Pi 5 first. */
const HEADER_LABELS = ["pinctrl-rp1", "pinctrl-bcm2711", "pinctrl-bcm2835"];

export interface GpioChip {
  label: string;
  /** sysfs number of the chip's line 0. It changed with kernels and boards (0, 399, 512, 569, 571). */
  base: number;
  lines: number;
}

/**
 * Finds the chip with this label, or with `auto` the header chip, among `/sys/class/gpio`.
 * Throws `DeviceError` "bus", naming what is there, when there is none or more than one.
 */
export async function findGpioChip(root: string, wanted: string): Promise<GpioChip> {
  const chips = await listChips(root);
  const labels = wanted === "auto" ? HEADER_LABELS : [wanted];
  const found = labels.map((label) => chips.filter((chip) => chip.label === label));
  const matches = found.find((some) => some.length > 0) ?? [];
  const [match] = matches;
  if (match && matches.length === 1) return match;
  const there = chips.map((chip) => `${chip.label} (base ${chip.base}, ${chip.lines} lines)`);
  throw new DeviceError(
    "bus",
    `${matches.length} GPIO chips are labelled ${labels.join(" or ")}; there are ${there.join(", ") || "none"}`,
  );
}

async function listChips(root: string): Promise<GpioChip[]> {
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

async function readChip(folder: string): Promise<GpioChip> {
  const text = async (name: string) => (await readFile(path.join(folder, name), "latin1")).trim();
  return {
    label: await text("label"),
    base: Number(await text("base")),
    lines: Number(await text("ngpio")),
  };
}
