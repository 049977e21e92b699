import { DeviceError } from "../bus/port.ts";
import { POWER_CHANNELS, type ShuntOptions, shuntOptions } from "./current-shunt.ts";
import {
  byte,
  type ChannelValue,
  channel,
  type I2cDriver,
  signedWord,
  within,
  word,
} from "./driver.ts";
import { readWord, setUp, stillSet } from "./registers.ts";

const MAKER = 0x3e;
const DEVICE = 0x3f;
const TEXAS_INSTRUMENTS = 0x5449;
const INA228 = 0x228; // the lowest four bits are the revision
const ADC = 0xfb6a; // everything continuously, 16 samples of 1.052 ms averaged
const FIRST_MS = 56; // three times 16.8 ms and a tenth
const LOW_RANGE = 0x0010; // ±40.96 mV instead of ±163.84 mV
const LOW_RANGE_V = 0.04096;
const [SHUNT, BUS, DIE, CURRENT, POWER, FLAGS] = [0x04, 0x05, 0x06, 0x07, 0x08, 0x0b];
const SHUNT_END = 2 ** 19 - 1;
const OVERFLOW = 0x0200;
const STEPS = 2 ** 19;

const channels = { ...POWER_CHANNELS, die: "temperature" } as const;
type Channel = keyof typeof channels;

/** Texas Instruments INA228 voltage, current and power sensor, 20 bits (SBOS886). `die` is its own temperature. */
export const ina228: I2cDriver<Channel, ShuntOptions> = {
  model: "ina228",
  channels,
  addresses: Array.from({ length: 16 }, (_, i) => 0x40 + i),
  optionsSchema: shuntOptions("INA228", 0.16384),
  async start(device, options) {
    const maker = await readWord(device, MAKER);
    if (maker !== TEXAS_INSTRUMENTS || (await readWord(device, DEVICE)) >> 4 !== INA228)
      throw new DeviceError("identity", "the id registers are not an INA228's");
    await setUp(device, settings(options));
    await device.pause(FIRST_MS);
  },
  async read(device, options) {
    // Without its calibration the chip would report another current.
    await stillSet(device, settings(options));
    return decodeIna228(
      {
        shunt: await device.writeRead([SHUNT], 3),
        die: await device.writeRead([DIE], 2),
        bus: await device.writeRead([BUS], 3),
        current: await device.writeRead([CURRENT], 3),
        power: await device.writeRead([POWER], 3),
        flags: await readWord(device, FLAGS),
      },
      scale(options).stepA,
    );
  },
};

function settings(options: ShuntOptions) {
  const { range, calibration } = scale(options);
  return { 0: range, 1: ADC, 2: calibration };
}

/** The range, and a step of the current register from the calibration as it was rounded. */
function scale({ shuntOhm, maxA }: ShuntOptions) {
  const low = shuntOhm * maxA <= LOW_RANGE_V;
  const perStep = 13_107.2e6 * shuntOhm * (low ? 4 : 1);
  const calibration = Math.min(Math.round((maxA / STEPS) * perStep), 0x7fff);
  return { range: low ? LOW_RANGE : 0, calibration, stepA: calibration / perStep };
}

/** V, A, W and °C. Beyond the range of the shunt current and power are not sound. */
export function decodeIna228(
  registers: Record<"shunt" | "die" | "bus" | "current" | "power", Uint8Array> & { flags: number },
  currentStepA: number,
): Record<Channel, ChannelValue> {
  const sound = (value: number) => {
    if (registers.flags & OVERFLOW || Math.abs(signed20(registers.shunt)) >= SHUNT_END)
      throw new DeviceError("range", "the current is more than maxA");
    return value;
  };
  return {
    voltage: channel(() => within(signed20(registers.bus) * 195.3125e-6, -0.1, 85)),
    current: channel(() => sound(signed20(registers.current) * currentStepA)),
    power: channel(() => sound(unsigned24(registers.power) * 3.2 * currentStepA)),
    die: channel(() => within(signedWord(registers.die, 0) / 128, -40, 150)),
  };
}

const unsigned24 = (frame: Uint8Array) => (word(frame, 0) << 8) | byte(frame, 2);
/** The upper 20 of 24 bits. */
const signed20 = (frame: Uint8Array) => (unsigned24(frame) << 8) >> 12;
