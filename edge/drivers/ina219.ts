import { DeviceError } from "../bus/port.ts";
import { POWER_CHANNELS, type ShuntOptions, shuntOptions } from "./current-shunt.ts";
import { type ChannelValue, channel, type I2cDriver, within } from "./driver.ts";
import { readWord, setUp, stillSet } from "./registers.ts";

const CONFIG = 0x3fff; // 32 V, ±320 mV, 128 samples averaged, continuous
const FIRST_MS = 140; // twice 68.1 ms
const [SHUNT, BUS, POWER, CURRENT] = [0x01, 0x02, 0x03, 0x04];
const SHUNT_END_MV = 320;
const OVERFLOW = 0x0001;
const STEPS = 2 ** 15;

/** Texas Instruments INA219 voltage, current and power sensor (SBOS448). It has no id register. */
export const ina219: I2cDriver<keyof typeof POWER_CHANNELS, ShuntOptions> = {
  model: "ina219",
  channels: POWER_CHANNELS,
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  optionsSchema: shuntOptions("INA219", 0.32),
  async start(device, options) {
    await setUp(device, settings(options));
    await device.pause(FIRST_MS);
  },
  async read(device, options) {
    // Without its calibration the chip would report 0 A.
    await stillSet(device, settings(options));
    const [shunt, bus] = [await readWord(device, SHUNT), await readWord(device, BUS)];
    const [current, power] = [await readWord(device, CURRENT), await readWord(device, POWER)];
    return decodeIna219({ shunt, bus, current, power }, stepA(options));
  },
};

const settings = (options: ShuntOptions) => ({ 0: CONFIG, 5: calibration(options) });

/** The lowest bit cannot be written. */
function calibration({ shuntOhm, maxA }: ShuntOptions): number {
  return Math.min(Math.round(0.04096 / ((maxA / STEPS) * shuntOhm)), 0xfffe) & 0xfffe;
}

/** A step of the current register, from the calibration as it was rounded. */
function stepA(options: ShuntOptions): number {
  return 0.04096 / (calibration(options) * options.shuntOhm);
}

/** V, A and W. Beyond the range of the shunt only the voltage is sound. */
export function decodeIna219(
  { shunt, bus, current, power }: Record<"shunt" | "bus" | "current" | "power", number>,
  currentStepA: number,
): Record<keyof typeof POWER_CHANNELS, ChannelValue> {
  const sound = (value: number) => {
    if (bus & OVERFLOW || Math.abs(shuntMv(shunt)) >= SHUNT_END_MV)
      throw new DeviceError("range", "the current is more than maxA");
    return value;
  };
  return {
    voltage: channel(() => within((bus >> 3) * 0.004, 0, 32)),
    current: channel(() => sound(signed(current) * currentStepA)),
    power: channel(() => sound(power * 20 * currentStepA)),
  };
}

export const shuntMv = (word: number): number => signed(word) * 0.01;
const signed = (word: number) => (word << 16) >> 16;
