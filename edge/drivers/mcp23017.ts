import { DeviceError } from "../bus/port.ts";
import { type ContactOptions, contactOptions, flagChannels, offNormal } from "./contacts.ts";
import { byte, type I2cDevice, type I2cDriver } from "./driver.ts";

// Registers of both ports side by side (BANK = 0, as after power-on).
const DIRECTION = 0x00;
const PULL_UP = 0x0c;
const LEVELS = [0x12];
/** Direction, polarity, interrupts, control, pull-ups: all inputs, not inverted, pulled up. */
const CONFIGURED = [0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

const INPUTS = [
  ...(["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"] as const),
  ...(["b0", "b1", "b2", "b3", "b4", "b5", "b6", "b7"] as const),
] as const;
type Input = (typeof INPUTS)[number];

/** Microchip MCP23017: 16 contacts to ground (DS20001952). An input is 1 when its contact is not as it should be. */
export const mcp23017: I2cDriver<Input, ContactOptions<Input>> = {
  model: "mcp23017",
  channels: flagChannels(INPUTS),
  addresses: [0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27],
  optionsSchema: contactOptions("an MCP23017", INPUTS),
  coarse: true,
  async start(device) {
    await device.write([DIRECTION, ...CONFIGURED]);
    await verify(device, "identity");
  },
  async read(device, options) {
    // After a reset nothing pulls the inputs up: they float.
    await verify(device, "reset");
    return offNormal(decodeLevels(await device.writeRead(LEVELS, 2)), INPUTS, options);
  },
};

async function verify(device: I2cDevice, reason: "identity" | "reset"): Promise<void> {
  const found = await device.writeRead([DIRECTION], CONFIGURED.length);
  if (CONFIGURED.some((expected, i) => byte(found, i) !== expected))
    throw new DeviceError(
      reason,
      isReset(found) ? "the chip was reset: its pull-ups are off" : "the chip is set up otherwise",
    );
}

/** The state after power-on: all inputs, no pull-ups. */
export function isReset(registers: Uint8Array): boolean {
  const bytes = [DIRECTION, DIRECTION + 1, PULL_UP, PULL_UP + 1].map((n) => registers[n] ?? 0);
  return String(bytes) === "255,255,0,0";
}

/** Bits 0–7 are A0–A7, bits 8–15 B0–B7. */
export function decodeLevels(frame: Uint8Array): number {
  return byte(frame, 0) | (byte(frame, 1) << 8);
}
