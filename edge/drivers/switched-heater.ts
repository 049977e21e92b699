import { DeviceError } from "../bus/port.ts";
import { checkedWord } from "./crc8.ts";
import type { Heater, I2cDevice } from "./driver.ts";

const ON = [0x30, 0x6d];
const OFF = [0x30, 0x66];
const READ_STATUS = [0xf3, 0x2d];
/** Long enough to drive a film of water off, short enough that its neighbours on the bus are read in time. */
const HEAT_MS = 10_000;

/** The heater of SHT3x and HDC302x, which stays on until it is switched off. `setUp`: a command before it. */
export function switchedHeater(setUp?: readonly number[]): Heater {
  const off = async (device: I2cDevice) => {
    await device.write(OFF);
    if ((await readSensorStatus(device)).heaterOn)
      throw new DeviceError("not-available", "the heater stays on: it measures itself");
  };
  return {
    async pulse(device) {
      if (setUp) await device.write(setUp);
      await device.write(ON);
      await device.pause(HEAT_MS);
      await off(device);
    },
    off,
  };
}

export async function readSensorStatus(device: I2cDevice) {
  await device.write(READ_STATUS);
  return decodeSensorStatus(await device.read(3));
}

/** The status word of HDC302x and SHT3x. */
export function decodeSensorStatus(frame: Uint8Array) {
  const status = checkedWord(frame, 0);
  const bit = (n: number) => ((status >> n) & 1) === 1;
  return {
    alertPending: bit(15),
    heaterOn: bit(13),
    resetDetected: bit(4),
    commandFailed: bit(1),
    writeCrcFailed: bit(0),
  };
}
