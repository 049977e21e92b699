import type { Clock } from "../../contract/clock.ts";
import { type BadReason, bad, good, type Measurement } from "../../contract/reading.ts";
import { DeviceError, type I2cPort } from "../bus/port.ts";
import type { AnyI2cDriver, ChannelValue, I2cDevice } from "../drivers/driver.ts";
import { type LaneItem, laneLoop } from "./lane-loop.ts";
import type { BusLoop } from "./loop.ts";
import type { LoopDeps } from "./read-loop.ts";

/** So many chips of one bus wait at the same time; each waits for at most one transfer. */
const LANES = 16;
/** A failure of these kinds may be a disturbance: the chip is asked once more at once. */
const WORTH_A_RETRY: readonly BadReason[] = ["no-answer", "checksum"];
/** After a failure of these kinds the chip still is as `start` left it. */
const STILL_SET_UP: readonly BadReason[] = ["checksum", "not-available", "range", "wire"];

/** One chip on an I2C bus and the points its channels feed. */
export interface I2cDeviceSpec {
  id: string;
  driver: AnyI2cDriver;
  address: number;
  everyMs: number;
  /** For drivers with an `optionsSchema`; what it refuses is our mistake, so the loop refuses to be made. */
  options?: unknown;
  /** Channel of the driver → point. */
  points: Partial<Record<string, string>>;
}

/** Reads the chips of one I2C bus, their waits overlapped. A read that failed alone is tried once more at once. */
export function i2cLoop(deps: LoopDeps<I2cPort> & { devices: readonly I2cDeviceSpec[] }): BusLoop {
  const items = deps.devices.map((spec) => i2cItem(spec, deps.clock));
  return laneLoop(deps, items, LANES);
}

function i2cItem(spec: I2cDeviceSpec, clock: Clock): LaneItem<I2cPort> {
  const { id, driver, address, everyMs } = spec;
  const options = driver.optionsSchema?.parse(spec.options ?? {});
  const points = Object.entries(spec.points).filter((pair) => pair[1] !== undefined) as [
    string,
    string,
  ][];
  /** The port through which the chip was set up; a bus that was opened anew may have lost its supply. */
  let startedOn: I2cPort | undefined;

  const readOnce = async (port: I2cPort, device: I2cDevice) => {
    if (startedOn !== port) await driver.start?.(device, options);
    startedOn = port;
    return driver.read(device, options);
  };
  return {
    id,
    everyMs,
    points: points.map(([, point]) => point),
    read: async (port, signal) => {
      const device = deviceAt(port, address, { clock, signal });
      try {
        const values = await twice(() => readOnce(port, device));
        return points.map(([channel, point]) => ({
          point,
          measurement: measurementOf(values[channel]),
        }));
      } catch (error) {
        const standing = error instanceof DeviceError && STILL_SET_UP.includes(error.reason);
        if (!standing) startedOn = undefined;
        throw error;
      }
    },
  };
}

function measurementOf(value: ChannelValue | undefined): Measurement {
  if (value instanceof DeviceError) return bad(value.reason);
  return value !== undefined && Number.isFinite(value) ? good(value) : bad("unsupported");
}

async function twice<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DeviceError && WORTH_A_RETRY.includes(error.reason))) throw error;
    return read();
  }
}

function deviceAt(
  port: I2cPort,
  address: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): I2cDevice {
  return {
    write: (bytes) => port.write(address, Uint8Array.from(bytes)),
    read: (length) => port.read(address, length),
    writeRead: (bytes, length) => port.writeRead(address, Uint8Array.from(bytes), length),
    pause: async (ms) => {
      await clock.sleep(ms, signal);
      if (signal.aborted) throw new DeviceError("not-ready", "the program ends");
    },
  };
}
