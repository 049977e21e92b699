import type { Level } from "../bus/port.ts";
import { DeviceError } from "../bus/port.ts";
import type { I2cDevice } from "./driver.ts";

/** What one line shows: a level, or why it has none. */
export type LineState = Level | DeviceError;

/** What every output line is to show; all other lines are inputs. */
export type Latches = ReadonlyMap<number, Level>;

/**
 * A chip whose pins serve as contacts and outputs, like those of a GPIO chip. It may remember what it
 * learns of its own chip; a new one is made whenever the chip is set up anew.
 */
export interface LineChip {
  /** Sets all lines up, the outputs at their latches from the first moment. Throws `DeviceError`. */
  setUp(device: I2cDevice, latches: Latches): Promise<void>;
  /**
   * The lines as they are now. Throws `DeviceError`; "reset" when the chip no longer is as it was set
   * up: it lost power, its outputs with it.
   */
  sense(device: I2cDevice, latches: Latches): Promise<LineState[]>;
  /** Puts the latches on the pins. */
  drive(device: I2cDevice, latches: Latches): Promise<void>;
}

/** Bit n of a register is line n. */
export function levelsOf(bits: number, lines: number): Level[] {
  return Array.from({ length: lines }, (_, line) => ((bits >> line) & 1) as Level);
}

/** The bits of all output lines, and of those that are high. */
export function bitsOf(latches: Latches): { outputs: number; high: number } {
  let [outputs, high] = [0, 0];
  for (const [line, level] of latches) {
    outputs |= 1 << line;
    if (level === 1) high |= 1 << line;
  }
  return { outputs, high };
}

export function brownOut(what: string): DeviceError {
  return new DeviceError("reset", `${what}: the chip lost power`);
}
