import type { Clock } from "../../contract/clock.ts";
import { bad, good } from "../../contract/reading.ts";
import { DeviceError, type I2cPort } from "../bus/port.ts";
import type { I2cDevice, I2cDriver } from "../drivers/driver.ts";
import type { BusLoop } from "./loop.ts";
import { type LoopDeps, readLoop } from "./read-loop.ts";

/** One chip on an I2C bus and the points its channels feed. */
export interface I2cDeviceSpec {
  id: string;
  driver: I2cDriver;
  address: number;
  everyMs: number;
  /** Channel of the driver → point. */
  points: Partial<Record<string, string>>;
}

/** Reads the chips of one I2C bus. A read that failed alone is tried once more at once. */
export function i2cLoop(deps: LoopDeps<I2cPort> & { devices: readonly I2cDeviceSpec[] }): BusLoop {
  const items = deps.devices.map((spec) => {
    const { id, driver, address, everyMs } = spec;
    const points = Object.entries(spec.points).filter((pair) => pair[1] !== undefined) as [
      string,
      string,
    ][];
    return {
      id,
      everyMs,
      points: points.map(([, point]) => point),
      read: async (port: I2cPort) => {
        const values = await readTwice(driver, deviceAt(port, address, deps.clock));
        return points.map(([channel, point]) => {
          const value = values[channel];
          const sound = value !== undefined && Number.isFinite(value);
          return { point, measurement: sound ? good(value) : bad("unsupported") };
        });
      },
    };
  });
  return readLoop(deps, items);
}

async function readTwice(driver: I2cDriver, device: I2cDevice): Promise<Record<string, number>> {
  try {
    return await driver.read(device);
  } catch (error) {
    const worthIt =
      error instanceof DeviceError && ["no-answer", "checksum"].includes(error.reason);
    if (!worthIt) throw error;
    return driver.read(device);
  }
}

function deviceAt(port: I2cPort, address: number, clock: Clock): I2cDevice {
  return {
    write: (bytes) => port.write(address, Uint8Array.from(bytes)),
    read: (length) => port.read(address, length),
    writeRead: (bytes, length) => port.writeRead(address, Uint8Array.from(bytes), length),
    pause: (ms) => clock.sleep(ms),
  };
}
