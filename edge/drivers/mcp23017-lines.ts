import { DeviceError } from "../bus/port.ts";
import { byte, type I2cDevice } from "./driver.ts";
import { bitsOf, brownOut, type Latches, type LineChip, levelsOf } from "./line-chip.ts";

// Registers of both ports side by side (BANK = 0, as after power-on), read as one block.
const FIRST = 0x00;
const REGISTERS = 0x16;
const LEVELS = 0x12;
const LATCHES = 0x14;
const LINES = 16;

const pair = (bits: number) => [bits & 0xff, bits >> 8];
const low = (block: Uint8Array, at: number) => byte(block, at) | (byte(block, at + 1) << 8);

/** Direction, polarity, interrupts, control, pull-ups: inputs pulled up, nothing inverted. */
function setting({ outputs }: { outputs: number }): number[] {
  const inputs = pair(~outputs & 0xffff);
  return [...inputs, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...inputs];
}

/** Microchip MCP23017 as 16 lines (DS20001952): 0–7 are A0–A7, 8–15 are B0–B7. One transfer tells all. */
export function mcp23017Lines(): LineChip {
  const verified = async (device: I2cDevice, latches: Latches): Promise<Uint8Array> => {
    const block = await device.writeRead([FIRST], REGISTERS);
    const bits = bitsOf(latches);
    const wrong = setting(bits).findIndex((expected, at) => byte(block, at) !== expected);
    if (wrong >= 0) throw brownOut(`register 0x${wrong.toString(16)} is not as it was set`);
    if ((low(block, LATCHES) & bits.outputs) !== bits.high)
      throw brownOut("the output latches are not as they were set");
    return block;
  };
  const drive = (device: I2cDevice, latches: Latches) =>
    device.write([LATCHES, ...pair(bitsOf(latches).high)]);
  return {
    async setUp(device, latches) {
      // The latches first: an output that becomes one must not show its old level even for a moment.
      await drive(device, latches);
      await device.write([FIRST, ...setting(bitsOf(latches))]);
      try {
        await verified(device, latches);
      } catch (error) {
        if (!(error instanceof DeviceError && error.reason === "reset")) throw error;
        throw new DeviceError("identity", "the chip does not keep an MCP23017's registers");
      }
    },
    sense: async (device, latches) => levelsOf(low(await verified(device, latches), LEVELS), LINES),
    drive,
  };
}
