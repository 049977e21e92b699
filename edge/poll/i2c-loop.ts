import { type BadReason, bad, good, type Measurement, uncertain } from "../../contract/reading.ts";
import { deviceAt } from "../bus/i2c-device.ts";
import { DeviceError, type I2cPort } from "../bus/port.ts";
import type { AnyI2cDriver, ChannelValue, I2cDevice } from "../drivers/driver.ts";
import { DRY, HOLD_MS, isHot, isWet, stepWet, type WetState, wantsHeat } from "../truth/wet.ts";
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
  /** Its heater may be used against condensed water; then it has no values for two minutes. */
  heater?: boolean;
  /** Channel of the driver → point. */
  points: Partial<Record<string, string>>;
}

type I2cLoopDeps = LoopDeps<I2cPort> & { devices: readonly I2cDeviceSpec[] };

/** Reads the chips of one I2C bus, their waits overlapped. A read that failed alone is tried once more at once. */
export function i2cLoop(deps: I2cLoopDeps): BusLoop {
  const items = deps.devices.map((spec) => i2cItem(spec, deps));
  return laneLoop(deps, items, LANES);
}

function i2cItem(spec: I2cDeviceSpec, { clock, log }: I2cLoopDeps): LaneItem<I2cPort> {
  const { id, driver, address, everyMs } = spec;
  const heater = spec.heater ? driver.heater : undefined;
  const options = driver.optionsSchema?.parse(spec.options ?? {});
  const points = Object.entries(spec.points).filter((pair) => pair[1] !== undefined) as [
    string,
    string,
  ][];
  /** The port through which the chip was set up; a bus that was opened anew may have lost its supply. */
  let startedOn: I2cPort | undefined;
  let wet = DRY;

  const readOnce = async (port: I2cPort, device: I2cDevice) => {
    if (startedOn !== port) {
      await heater?.off?.(device);
      await driver.start?.(device, options);
    }
    startedOn = port;
    return driver.read(device, options);
  };
  const dry = async (device: I2cDevice) => {
    if (!heater || !wantsHeat(wet, clock.monoMs())) return;
    log.info({ device: id, holdMs: HOLD_MS }, "sensor is wet: heated to dry it");
    await heater.pulse(device);
    wet = { spell: undefined, pulsedMs: clock.monoMs() };
  };
  const samples = (measure: (channel: string) => Measurement) =>
    points.map(([channel, point]) => ({ point, measurement: measure(channel) }));
  return {
    id,
    everyMs,
    points: points.map(([, point]) => point),
    read: async (port, signal) => {
      if (isHot(wet, clock.monoMs())) return samples(() => bad("not-available"));
      const device = deviceAt(port, address, { clock, signal });
      try {
        const values = await twice(() => readOnce(port, device));
        wet = wetnessAfter(wet, values, clock.monoMs());
        const isWetNow = isWet(wet, clock.monoMs());
        await dry(device);
        return samples((channel) => {
          const measurement = measurementOf(values[channel]);
          if (!isWetNow || channel !== "humidity" || measurement.quality !== "good")
            return measurement;
          return uncertain(measurement.value, "condensed");
        });
      } catch (error) {
        const standing = error instanceof DeviceError && STILL_SET_UP.includes(error.reason);
        if (!standing) startedOn = undefined;
        throw error;
      }
    },
  };
}

/** A chip that lacks one of both cannot be judged. */
function wetnessAfter(
  wet: WetState,
  { temperature, humidity }: Record<string, ChannelValue>,
  nowMs: number,
): WetState {
  if (typeof temperature !== "number" || typeof humidity !== "number") return wet;
  return stepWet(wet, { temperatureC: temperature, humidityRh: humidity }, nowMs);
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
