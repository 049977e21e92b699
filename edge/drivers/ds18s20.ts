import { DeviceError } from "../bus/port.ts";
import { type OneWireDriver, within } from "./driver.ts";
import { parseScratchpad, type Scratchpad } from "./ds18b20.ts";

/** What the chip holds after power-on: 85 °C, which a genuine 85.0 °C spells the same way. */
const POWER_ON = "170,0,75,70,255,255,12,16";

/** Maxim DS18S20 (and DS1820) thermometer through the kernel's `w1_slave` text. */
export const ds18s20: OneWireDriver = {
  model: "ds18s20",
  family: "10",
  channels: { temperature: "temperature" },
  decode(text) {
    const scratchpad = parseScratchpad(text);
    // A room never has exactly this temperature, while a chip that lost power always does.
    if (String(scratchpad.slice(0, 8)) === POWER_ON)
      throw new DeviceError("not-ready", "power-on value: no conversion took place");
    return within(decodeDs18s20(scratchpad), -55, 125);
  },
};

/** °C in steps of 1/16: the whole degrees less a quarter, and what byte 6 counted (DS18S20 datasheet, figure 4). */
export function decodeDs18s20(scratchpad: Scratchpad): number {
  const raw = ((scratchpad[0] | (scratchpad[1] << 8)) << 16) >> 16;
  return (raw >> 1) - 0.25 + (16 - scratchpad[6]) / 16;
}
