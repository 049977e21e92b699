import type { z } from "zod";
import type { QuantityId } from "../../contract/quantity.ts";
import { block } from "../../contract/yaml-words.ts";
import { DeviceError } from "../bus/port.ts";
import { type AnalogInput, analogInput, measured } from "./analog-input.ts";
import {
  type ChannelValue,
  channel,
  type I2cDevice,
  type I2cDriver,
  signedWord,
  word,
} from "./driver.ts";

const CONFIG = 0x01;
const RESULT = 0x00;
const START = 0x8000; // and, when read, "done"
const SINGLE_128_SPS = 0x0183; // one conversion, then sleep; comparator off
const CONVERSION_MS = 9; // 7.8 ms and a tenth
const POLLS = 5;
const GAINS: Record<number, number> = {
  6.144: 0,
  4.096: 1,
  2.048: 2,
  1.024: 3,
  0.512: 4,
  0.256: 5,
};
const FLOATING = 0xffff;

const INPUTS = ["a0", "a1", "a2", "a3"] as const;
type Input = (typeof INPUTS)[number];
const input = analogInput.optional();
const optionsSchema = block("an ADS1115", {
  a0: input,
  a1: input,
  a2: input,
  a3: input,
}).meta({
  examples: [
    {
      a0: { kind: "voltage" },
      a1: { kind: "current-loop", shuntOhm: 82, quantity: "pressure", at4mA: 0, at20mA: 50 },
      a2: { kind: "door-loop" },
      a3: { kind: "leak-rope", pullUpOhm: 10_000, endOhm: 10_000 },
    },
  ],
});
type Options = z.output<typeof optionsSchema>;

/** Texas Instruments ADS1115 converter, 16 bits, four inputs against ground (SBAS444). Its options say what hangs on each. */
export const ads1115: I2cDriver<Input, Options> = {
  model: "ads1115",
  channels: { a0: "voltage", a1: "voltage", a2: "voltage", a3: "voltage" },
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  optionsSchema,
  channelsWith: (options) =>
    Object.fromEntries(
      INPUTS.flatMap((name) => (options[name] ? [[name, quantityOf(options[name])]] : [])),
    ),
  async read(device, options) {
    const values = {} as Record<Input, ChannelValue>;
    for (const [number, name] of INPUTS.entries()) {
      const what = options[name];
      if (!what) {
        values[name] = new DeviceError("unsupported", `nothing is said of input ${name}`);
        continue;
      }
      const frame = await convertAds1115(device, number, what.fullScaleV);
      values[name] = channel(() => measured(decodeAds1115(frame, what.fullScaleV), what));
    }
    return values;
  },
};

function quantityOf(what: AnalogInput): QuantityId {
  if (what.kind === "voltage") return "voltage";
  return what.kind === "current-loop" ? what.quantity : "flag";
}

/** One conversion of one input. Throws `DeviceError`: "reset" when the chip lost power meanwhile. */
export async function convertAds1115(
  device: I2cDevice,
  input: number,
  fullScaleV: number,
): Promise<Uint8Array> {
  const order = ((4 + input) << 12) | ((GAINS[fullScaleV] ?? 0) << 9) | SINGLE_128_SPS;
  await device.write([CONFIG, (START | order) >> 8, order & 0xff]);
  for (let poll = 1; poll <= POLLS; poll += 1) {
    await device.pause(poll === 1 ? CONVERSION_MS : 2);
    const state = word(await device.writeRead([CONFIG], 2), 0);
    if (state === FLOATING) throw new DeviceError("bus", "only ones: the bus floats");
    if ((state & ~START) !== order) throw new DeviceError("reset", "the chip forgot its order");
    if (state & START) return device.writeRead([RESULT], 2);
  }
  throw new DeviceError("not-ready", "the conversion does not end");
}

/** V. Throws `DeviceError` "range" at the ends of the scale, where the true voltage may be anything beyond. */
export function decodeAds1115(frame: Uint8Array, fullScaleV: number): number {
  const raw = signedWord(frame, 0);
  if (raw === 32_767 || raw === -32_768)
    throw new DeviceError("range", `the input is beyond ±${fullScaleV} V`);
  return (raw * fullScaleV) / 32_768;
}
