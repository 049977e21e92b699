import { DeviceError } from "../bus/port.ts";
import {
  attributeNumber,
  channelKinds,
  credible,
  type KernelSensorDriver,
  kindOf,
  optional,
  quantitiesOf,
  type ReadAttribute,
} from "./kernel-sensor.ts";

/** Units of the files (Linux, Documentation/ABI/testing/sysfs-bus-iio): m°C, m%, kPa, mV, mA, % of CO2. */
const KINDS = channelKinds({
  temp: { quantity: "temperature", factor: 1e-3 },
  humidityrelative: { quantity: "humidity", factor: 1e-3 },
  pressure: { quantity: "airPressure", factor: 1e3 },
  concentration_co2: { quantity: "co2", factor: 1e4 },
  voltage: { quantity: "voltage", from: 0, to: 7, factor: 1e-3 },
  current: { quantity: "current", from: 0, to: 3, factor: 1e-3 },
});

/** Sensors of the kernel's industrial I/O class: HDC302x, BME280, SCD4x, AHT10/20, ADS1015 and many more. */
export const iio: KernelSensorDriver = {
  model: "iio",
  folder: "bus/iio/devices",
  channels: quantitiesOf(KINDS),
  async read(read, channel) {
    const { quantity, factor } = kindOf(KINDS, channel);
    const done = await optional(read, `in_${channel}_input`);
    const value = done === undefined ? await scaled(read, channel) : attributeNumber(done);
    return credible(value * factor, quantity);
  },
};

/** (raw + offset) · scale; the scale may be shared by all channels of a kind. */
async function scaled(read: ReadAttribute, channel: string): Promise<number> {
  const raw = attributeNumber(await read(`in_${channel}_raw`));
  const shared = channel.replace(/\d+$/, "");
  const find = async (what: string) =>
    (await optional(read, `in_${channel}_${what}`)) ??
    (await optional(read, `in_${shared}_${what}`));
  const scale = await find("scale");
  if (scale === undefined)
    throw new DeviceError("unsupported", `${channel} has no scale: its unit is unknown`);
  return (raw + attributeNumber((await find("offset")) ?? "0")) * attributeNumber(scale);
}
