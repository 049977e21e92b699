import { DeviceError } from "../bus/port.ts";
import {
  attributeNumber,
  channelKinds,
  credible,
  type KernelSensorDriver,
  kindOf,
  optional,
  quantitiesOf,
} from "./kernel-sensor.ts";

/** Units of the files (Linux, Documentation/hwmon/sysfs-interface.rst): thousandths, but µW and rpm. */
const KINDS = channelKinds({
  temp: { quantity: "temperature", from: 1, to: 16, factor: 1e-3 },
  humidity: { quantity: "humidity", from: 1, to: 4, factor: 1e-3 },
  in: { quantity: "voltage", from: 0, to: 16, factor: 1e-3 },
  curr: { quantity: "current", from: 1, to: 8, factor: 1e-3 },
  power: { quantity: "power", from: 1, to: 8, factor: 1e-6 },
  fan: { quantity: "speed", from: 1, to: 16, factor: 1 },
});

/** Sensors of the kernel's hwmon class: SHT3x/4x, LM75, JC42, INA2xx, the processor itself, and many more. */
export const hwmon: KernelSensorDriver = {
  model: "hwmon",
  folder: "class/hwmon",
  channels: quantitiesOf(KINDS),
  async read(read, channel) {
    const { quantity, factor } = kindOf(KINDS, channel);
    if ((await optional(read, `${channel}_fault`))?.trim() === "1")
      throw new DeviceError("wire", `the kernel reports ${channel} as open or shorted`);
    return credible(attributeNumber(await read(`${channel}_input`)) * factor, quantity);
  },
};
