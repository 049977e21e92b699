import { DeviceError } from "../bus/port.ts";
import { type I2cDevice, word } from "./driver.ts";

/** What a floating bus reads; no control register of a supported chip can hold it. */
const FLOATING = 0xffff;

export async function readWord(device: I2cDevice, register: number): Promise<number> {
  return word(await device.writeRead([register], 2), 0);
}

/** Writes big-endian 16-bit registers, and throws `DeviceError` "identity" when the chip does not keep them. */
export async function setUp(device: I2cDevice, settings: Record<number, number>): Promise<void> {
  for (const [register, value] of Object.entries(settings))
    await device.write([Number(register), value >> 8, value & 0xff]);
  await verify(device, settings, "identity");
}

/** Throws `DeviceError` when the chip no longer holds what was written: it lost power. */
export async function stillSet(device: I2cDevice, settings: Record<number, number>): Promise<void> {
  await verify(device, settings, "reset");
}

/** Throws `DeviceError` "identity" when a register does not tell the expected kind of chip. */
export async function identify(device: I2cDevice, ids: Record<number, number>): Promise<void> {
  await verify(device, ids, "identity");
}

async function verify(
  device: I2cDevice,
  expected: Record<number, number>,
  reason: "identity" | "reset",
): Promise<void> {
  for (const [register, value] of Object.entries(expected)) {
    const found = await readWord(device, Number(register));
    if (found === FLOATING) throw new DeviceError("bus", "only ones: the bus floats");
    if (found === value) continue;
    throw new DeviceError(
      reason,
      `register ${hex(Number(register))} holds ${hex(found)}, not ${hex(value)}`,
    );
  }
}

const hex = (value: number) => `0x${value.toString(16)}`;
