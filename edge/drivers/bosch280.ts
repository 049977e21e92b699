import { DeviceError } from "../bus/port.ts";
import { byte, type I2cDevice, word } from "./driver.ts";

const ID = [0xd0];
const CALIBRATION = [0x88];
const CALIBRATION_BYTES = 26;
const CONTROL = 0xf4;
const FORCED = 0x25; // temperature and pressure once each, then sleep
const DONE = 0x24; // the same with the chip asleep again
const STATE = [0xf3]; // status, then control
const BUSY = 0x09; // measuring, or copying its calibration after a reset
const VALUES = [0xf7];
/** 1.25 ms, 2.3 ms for each value, 0.575 ms for pressure and humidity each: 9.3 ms at most. */
const MEASURE_MS = 10;
const SKIPPED = 0x80000;

export const BOSCH_ADDRESSES = [0x76, 0x77];

/** One forced measurement of a BME280 or BMP280: `length` bytes of values and the calibration of this very chip. Throws `DeviceError`. */
export async function measureOnce(
  device: I2cDevice,
  chip: { model: string; id: number; length: number; prepare?: readonly number[] },
): Promise<{ calibration: Uint8Array; values: Uint8Array }> {
  const id = byte(await device.writeRead(ID, 1), 0);
  if (id !== chip.id)
    throw new DeviceError(
      "identity",
      `chip id is 0x${id.toString(16)}, a ${chip.model} has 0x${chip.id.toString(16)}`,
    );
  // Read each time: a chip of the same model that was put in its place has other numbers.
  const calibration = await device.writeRead(CALIBRATION, CALIBRATION_BYTES);
  if (chip.prepare) await device.write(chip.prepare);
  await device.write([CONTROL, FORCED]);
  await device.pause(MEASURE_MS);
  const state = await device.writeRead(STATE, 2);
  if (byte(state, 0) & BUSY) throw new DeviceError("not-ready", "still measuring");
  if (byte(state, 1) !== DONE) throw new DeviceError("reset", "the chip forgot its order");
  return { calibration, values: await device.writeRead(VALUES, chip.length) };
}

/** The fine temperature that the other formulas need; °C is a 5,120th of it. Throws `DeviceError`. */
export function fineTemperature(calibration: Uint8Array, values: Uint8Array): number {
  const raw = raw20(values, 3);
  const [t1, t2, t3] = [low16(calibration, 0), signed16(calibration, 2), signed16(calibration, 4)];
  if (t1 === 0 || t1 === 0xffff)
    throw new DeviceError("not-ready", "the chip has no calibration: it is still starting");
  return (raw / 16_384 - t1 / 1_024) * t2 + (raw / 131_072 - t1 / 8_192) ** 2 * t3;
}

/** Air pressure in Pa (BST-BME280-DS002, 8.1). Throws `DeviceError`. */
export function airPressurePa(calibration: Uint8Array, values: Uint8Array, fine: number): number {
  const raw = raw20(values, 0);
  const p = (n: number) => signed16(calibration, 4 + 2 * n); // P2…P9
  const x = fine / 2 - 64_000;
  const offset = ((x * x * p(6)) / 32_768 + x * p(5) * 2) / 4 + p(4) * 65_536;
  const slope = ((p(3) * x * x) / 524_288 + p(2) * x) / 524_288;
  const scale = (1 + slope / 32_768) * low16(calibration, 6);
  const rough = ((1_048_576 - raw - offset / 4_096) * 6_250) / scale;
  return rough + ((p(9) * rough * rough) / 2_147_483_648 + (rough * p(8)) / 32_768 + p(7)) / 16;
}

function raw20(values: Uint8Array, offset: number): number {
  const raw = (word(values, offset) << 4) | (byte(values, offset + 2) >> 4);
  if (raw === SKIPPED) throw new DeviceError("not-available", "the chip skipped this value");
  return raw;
}

export function low16(bytes: Uint8Array, offset: number): number {
  return byte(bytes, offset) | (byte(bytes, offset + 1) << 8);
}

export function signed16(bytes: Uint8Array, offset: number): number {
  return (low16(bytes, offset) << 16) >> 16;
}
