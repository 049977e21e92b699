import type { Clock } from "../../contract/clock.ts";
import { openI2cDev } from "./i2c-dev.ts";
import { DeviceError, type GpioPort, type I2cPort } from "./port.ts";
import { openSocketGpio } from "./socket-gpio.ts";
import { openSocketI2c } from "./socket-i2c.ts";
import { openSysfsGpio } from "./sysfs-gpio.ts";

/** Opens `/dev/i2c-N` of this machine, or with `tcp://host:port` the bus of that name elsewhere. */
export function openI2c(deps: { device: string; bus: string; clock: Clock }): Promise<I2cPort> {
  const { device, bus, clock } = deps;
  if (!device.startsWith("tcp:")) return openI2cDev({ device, clock });
  return openSocketI2c({ ...hostPort(device), bus, clock });
}

/** Opens a chip of this machine by label (`auto`: the header), or with `tcp://host:port` one elsewhere. */
export function openGpio(deps: { chip: string; clock: Clock }): Promise<GpioPort> {
  const { chip, clock } = deps;
  if (!chip.startsWith("tcp:")) return openSysfsGpio({ chip, clock });
  return openSocketGpio({ ...hostPort(chip), clock });
}

function hostPort(text: string): { host: string; port: number } {
  const match = /^tcp:\/\/\[?([^/\]]+)\]?:(\d+)$/.exec(text);
  if (!match?.[1]) throw new DeviceError("bus", `"${text}" is not tcp://host:port`);
  return { host: match[1], port: Number(match[2]) };
}
