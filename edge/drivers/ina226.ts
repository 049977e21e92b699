import { DeviceError } from "../bus/port.ts";
import { POWER_CHANNELS, type ShuntOptions, shuntOptions } from "./current-shunt.ts";
import { type ChannelValue, channel, type I2cDriver, within } from "./driver.ts";
import { identify, readWord, setUp, stillSet } from "./registers.ts";

const IDS = { 254: 0x5449, 255: 0x2260 };
const CONFIG = 0x4527; // 16 samples of 1.1 ms averaged, continuous
const FIRST_MS = 39; // 35.2 ms and a tenth
const [SHUNT, BUS, POWER, CURRENT, FLAGS] = [0x01, 0x02, 0x03, 0x04, 0x06];
const SHUNT_END = 32_767; // 81.9 mV
const OVERFLOW = 0x0004;
const STEPS = 2 ** 15;

/** Texas Instruments INA226 voltage, current and power sensor (SBOS547). */
export const ina226: I2cDriver<keyof typeof POWER_CHANNELS, ShuntOptions> = {
  model: "ina226",
  channels: POWER_CHANNELS,
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  optionsSchema: shuntOptions("INA226", 0.08192),
  async start(device, options) {
    await identify(device, IDS);
    await setUp(device, settings(options));
    await device.pause(FIRST_MS);
  },
  async read(device, options) {
    // Without its calibration the chip would report 0 A.
    await stillSet(device, settings(options));
    const registers = {
      shunt: await readWord(device, SHUNT),
      bus: await readWord(device, BUS),
      current: await readWord(device, CURRENT),
      power: await readWord(device, POWER),
      flags: await readWord(device, FLAGS),
    };
    return decodeIna226(registers, stepA(options));
  },
};

const settings = (options: ShuntOptions) => ({ 0: CONFIG, 5: calibration(options) });

function calibration({ shuntOhm, maxA }: ShuntOptions): number {
  return Math.min(Math.round(0.00512 / ((maxA / STEPS) * shuntOhm)), 0x7fff);
}

/** A step of the current register, from the calibration as it was rounded. */
function stepA(options: ShuntOptions): number {
  return 0.00512 / (calibration(options) * options.shuntOhm);
}

/** V, A and W. Beyond the range of the shunt only the voltage is sound. */
export function decodeIna226(
  registers: Record<"shunt" | "bus" | "current" | "power" | "flags", number>,
  currentStepA: number,
): Record<keyof typeof POWER_CHANNELS, ChannelValue> {
  const { shunt, bus, current, power, flags } = registers;
  const sound = (value: number) => {
    if (flags & OVERFLOW || Math.abs(signed(shunt)) >= SHUNT_END)
      throw new DeviceError("range", "the current is more than maxA");
    return value;
  };
  return {
    voltage: channel(() => within(bus * 0.00125, 0, 36)),
    current: channel(() => sound(signed(current) * currentStepA)),
    power: channel(() => sound(power * 25 * currentStepA)),
  };
}

const signed = (word: number) => (word << 16) >> 16;
