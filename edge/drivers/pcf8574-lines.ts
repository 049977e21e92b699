import { byte } from "./driver.ts";
import { bitsOf, brownOut, type Latches, type LineChip, levelsOf } from "./line-chip.ts";

const LINES = 8;
const ALL = 0xff;

/** Only a pin that is released, which is high, can be read as an input. */
function pins(latches: Latches): number {
  const { outputs, high } = bitsOf(latches);
  return (~outputs & ALL) | high;
}

/**
 * NXP PCF8574, PCF8574A as 8 lines (SCPS068). It has no register to know it by. After a power failure
 * all its pins are high, which shows only where an output was low.
 */
export function pcf8574Lines(): LineChip {
  /** Outputs that did not go low even when just written: something pulls them, no power failure. */
  let stuckHigh = 0;
  const drive = async (device: Parameters<LineChip["drive"]>[0], latches: Latches) => {
    await device.write([pins(latches)]);
    const { outputs, high } = bitsOf(latches);
    stuckHigh = byte(await device.read(1), 0) & outputs & ~high;
  };
  return {
    setUp: drive,
    async sense(device, latches) {
      const bits = byte(await device.read(1), 0);
      const { outputs, high } = bitsOf(latches);
      const shouldBeLow = outputs & ~high & ~stuckHigh;
      if (bits & shouldBeLow) throw brownOut("an output that was low is high");
      return levelsOf(bits, LINES);
    },
    drive,
  };
}
