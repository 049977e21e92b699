import { ads1115 } from "./ads1115.ts";
import { aht20 } from "./aht20.ts";
import { bme280 } from "./bme280.ts";
import { bmp280 } from "./bmp280.ts";
import type { AnyI2cDriver, OneWireDriver } from "./driver.ts";
import { ds18b20 } from "./ds18b20.ts";
import { ds18s20 } from "./ds18s20.ts";
import { hdc302x } from "./hdc302x.ts";
import { hdc1080 } from "./hdc1080.ts";
import { hwmon } from "./hwmon.ts";
import { iio } from "./iio.ts";
import { ina219 } from "./ina219.ts";
import { ina226 } from "./ina226.ts";
import { ina228 } from "./ina228.ts";
import { ina3221 } from "./ina3221.ts";
import type { KernelSensorDriver } from "./kernel-sensor.ts";
import type { LineChip } from "./line-chip.ts";
import { lm75 } from "./lm75.ts";
import { mcp9808 } from "./mcp9808.ts";
import { mcp23017 } from "./mcp23017.ts";
import { mcp23017Lines } from "./mcp23017-lines.ts";
import { pcf8574 } from "./pcf8574.ts";
import { pcf8574Lines } from "./pcf8574-lines.ts";
import { scd4x } from "./scd4x.ts";
import { sdp3x } from "./sdp3x.ts";
import { sht4x } from "./sht4x.ts";
import { sht31 } from "./sht31.ts";
import { shtc3 } from "./shtc3.ts";
import { tmp102 } from "./tmp102.ts";
import { tmp117 } from "./tmp117.ts";

const I2C: readonly AnyI2cDriver[] = [
  ads1115,
  aht20,
  bme280,
  bmp280,
  hdc1080,
  hdc302x,
  ina219,
  ina226,
  ina228,
  ina3221,
  lm75,
  mcp23017,
  mcp9808,
  pcf8574,
  scd4x,
  sdp3x,
  sht31,
  sht4x,
  shtc3,
  tmp102,
  tmp117,
];
const ONE_WIRE: readonly OneWireDriver[] = [ds18b20, ds18s20];
const KERNEL: readonly KernelSensorDriver[] = [hwmon, iio];

/** I2C drivers by model name. */
export const DRIVERS: ReadonlyMap<string, AnyI2cDriver> = new Map(I2C.map((d) => [d.model, d]));

/** 1-Wire drivers by model name. */
export const ONE_WIRE_DRIVERS: ReadonlyMap<string, OneWireDriver> = new Map(
  ONE_WIRE.map((driver) => [driver.model, driver]),
);

/** The driver for a ROM id such as `28-000000000a01`, by its family code. */
export function oneWireDriverFor(id: string): OneWireDriver | undefined {
  return ONE_WIRE.find((driver) => id.startsWith(`${driver.family}-`));
}

/** Drivers of sensors whose chips the kernel owns, by model name. */
export const KERNEL_DRIVERS: ReadonlyMap<string, KernelSensorDriver> = new Map(
  KERNEL.map((driver) => [driver.model, driver]),
);

/** Chips whose lines serve as contacts and outputs. */
export const EXPANDERS: Record<"mcp23017" | "pcf8574", () => LineChip> = {
  mcp23017: mcp23017Lines,
  pcf8574: pcf8574Lines,
};
