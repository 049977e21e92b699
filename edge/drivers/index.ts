import type { I2cDriver, OneWireDriver } from "./driver.ts";
import { ds18b20 } from "./ds18b20.ts";
import { lm75, lm75a } from "./lm75.ts";
import { mcp9808 } from "./mcp9808.ts";
import { sht4x } from "./sht4x.ts";
import { sht31 } from "./sht31.ts";
import { shtc3 } from "./shtc3.ts";
import { tmp102 } from "./tmp102.ts";
import { tmp117 } from "./tmp117.ts";

const I2C: readonly I2cDriver[] = [lm75, lm75a, mcp9808, sht31, sht4x, shtc3, tmp102, tmp117];
const ONE_WIRE: readonly OneWireDriver[] = [ds18b20];

/** I2C drivers by model name. */
export const DRIVERS: ReadonlyMap<string, I2cDriver> = new Map(I2C.map((d) => [d.model, d]));

/** 1-Wire drivers by model name. */
export const ONE_WIRE_DRIVERS: ReadonlyMap<string, OneWireDriver> = new Map(
  ONE_WIRE.map((driver) => [driver.model, driver]),
);

/** The driver for a ROM id such as `28-000000000a01`, by its family code. */
export function oneWireDriverFor(id: string): OneWireDriver | undefined {
  return ONE_WIRE.find((driver) => id.startsWith(`${driver.family}-`));
}
