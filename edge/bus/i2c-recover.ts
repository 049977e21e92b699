import type { Clock } from "../../contract/clock.ts";
import { runTool, type Shell } from "./gpiomon-child.ts";
import { DeviceError } from "./port.ts";

/** A slave that lost count in mid-byte lets go after at most nine clocks (NXP UM10204, 3.1.16). */
const MOST_CLOCKS = 9;

/** Header pins of an I2C bus. */
export interface I2cPins {
  sda: number;
  scl: number;
}

interface PinState {
  /** Such as `a0`: which of the chip's functions the pin has. */
  does: string;
  pull: string;
  level: "hi" | "lo";
}

/**
 * Clocks a slave free that holds SDA low, which the Pi's controller cannot: turns both pins into plain
 * lines by Raspberry Pi's `pinctrl`, drives them only low, makes a stop, and gives the pins back. Says how
 * many clocks it took. Throws `DeviceError` "bus" when SDA stays low, and when `pinctrl` cannot be run.
 */
export async function clockFree(
  { sda, scl }: I2cPins,
  deps: { clock: Clock; path?: string },
): Promise<number> {
  const shell: Shell = { path: deps.path ?? process.env.PATH ?? "", clock: deps.clock };
  const set = (pin: number, ...words: string[]) =>
    runTool(["pinctrl", "set", String(pin), ...words], shell);
  const low = (pin: number) => set(pin, "op", "dl");
  const release = (pin: number) => set(pin, "ip", "pu");
  const stateOf = async (pin: number) =>
    parsePin(await runTool(["pinctrl", "get", String(pin)], shell), pin);
  const before = { sda: await stateOf(sda), scl: await stateOf(scl) };
  for (const [pin, { does }] of [[sda, before.sda] as const, [scl, before.scl] as const])
    if (!/^a\d$/.test(does))
      throw new DeviceError("bus", `pin ${pin} is "${does}": it does not belong to an I2C bus`);
  try {
    await release(sda);
    await release(scl);
    let clocks = 0;
    while ((await stateOf(sda)).level === "lo" && clocks < MOST_CLOCKS) {
      await low(scl);
      await release(scl);
      clocks += 1;
    }
    if ((await stateOf(sda)).level === "lo")
      throw new DeviceError(
        "bus",
        `SDA stays low after ${clocks} clocks: a chip is dead, or the wire is shorted`,
      );
    // A stop: SDA rises while SCL is high.
    await low(scl);
    await low(sda);
    await release(scl);
    await release(sda);
    return clocks;
  } finally {
    await set(sda, before.sda.does, before.sda.pull);
    await set(scl, before.scl.does, before.scl.pull);
  }
}

/** ` 2: a0    pu | hi // GPIO2 = SDA1` */
function parsePin(text: string, pin: number): PinState {
  const [, does, pull, level] =
    /^\s*\d+:\s+(\S+)\s.*?\b(pu|pd|pn|--)?\s*\|\s*(hi|lo)/.exec(text) ?? [];
  if (does === undefined || (level !== "hi" && level !== "lo"))
    throw new DeviceError("bus", `pinctrl says "${text.trim().slice(0, 80)}" of pin ${pin}`);
  return { does, pull: pull === "pu" || pull === "pd" ? pull : "pn", level };
}
