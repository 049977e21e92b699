import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { type GpiomonPort, openGpiomon } from "./gpiomon.ts";
import { openI2cDev } from "./i2c-dev.ts";
import { type NutLogin, type NutPort, type NutTls, openNutClient } from "./nut-client.ts";
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

/** How lines of this machine can be reached; `auto` takes the first that works. */
export type GpioBackend = "auto" | "sysfs" | "gpiomon";

export interface OpenGpioDeps {
  /** Chip label, `auto` for the header, or `tcp://host:port`. */
  chip: string;
  clock: Clock;
  backend?: GpioBackend;
  /** Told which backend was chosen and why. */
  log?: Logger;
  /** How each backend is opened; another in a test. */
  sysfs?: () => Promise<GpioPort>;
  gpiomon?: () => Promise<GpiomonPort>;
}

/**
 * Opens a chip of this machine, or with `tcp://host:port` one elsewhere. Newer kernels lack sysfs GPIO
 * and some machines the compiled package: then libgpiod's programs do it. Throws `DeviceError` "bus"
 * with what each backend said.
 */
export async function openGpio(deps: OpenGpioDeps): Promise<GpioPort> {
  const { chip, clock, backend = "auto", log } = deps;
  if (chip.startsWith("tcp:")) return openSocketGpio({ ...hostPort(chip), clock });
  const { sysfs = () => openSysfsGpio({ chip, clock }) } = deps;
  const { gpiomon = () => openGpiomon({ chip, clock }) } = deps;
  let whyNot: string | undefined;
  if (backend !== "gpiomon")
    try {
      const port = await sysfs();
      log?.info({ chip, backend: "sysfs" }, "GPIO opened");
      return port;
    } catch (error) {
      if (!(error instanceof DeviceError) || backend === "sysfs") throw error;
      whyNot = `sysfs: ${error.message}`;
    }
  try {
    const port = await gpiomon();
    log?.info({ chip, backend: "gpiomon", found: port.found, whyNot }, "GPIO opened");
    return port;
  } catch (error) {
    if (!(error instanceof DeviceError) || whyNot === undefined) throw error;
    throw new DeviceError("bus", `${whyNot}; gpiomon: ${error.message}`);
  }
}

/** Opens the connection to an `upsd`. Throws `DeviceError` "bus" when it is not there, "refused" for a wrong login. */
export function openNut(deps: {
  host: string;
  port: number;
  clock: Clock;
  login?: NutLogin;
  tls?: NutTls;
}): Promise<NutPort> {
  return openNutClient(deps);
}

function hostPort(text: string): { host: string; port: number } {
  const match = /^tcp:\/\/\[?([^/\]]+)\]?:(\d+)$/.exec(text);
  if (!match?.[1]) throw new DeviceError("bus", `"${text}" is not tcp://host:port`);
  return { host: match[1], port: Number(match[2]) };
}
