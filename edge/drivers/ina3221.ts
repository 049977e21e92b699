import type { z } from "zod";
import type { QuantityId } from "../../contract/quantity.ts";
import { block } from "../../contract/yaml-words.ts";
import { amount } from "../config/words.ts";
import { type ChannelValue, channel, type I2cDriver, within } from "./driver.ts";
import { identify, readWord, setUp, stillSet } from "./registers.ts";

const IDS = { 254: 0x5449, 255: 0x3220 };
const SETTINGS = { 0: 0x7527 }; // three channels, 16 samples of 1.1 ms averaged, continuous
const FIRST_MS = 233; // six times 35.2 ms and a tenth
const LIMIT_V = 0.16377; // one step below the end of the scale

const shunt = amount("the shunt in Ω,", 0.00001, 100);
const optionsSchema = block("an INA3221", {
  shuntOhm1: shunt,
  shuntOhm2: shunt,
  shuntOhm3: shunt,
}).meta({ examples: [{ shuntOhm1: 0.1, shuntOhm2: 0.1, shuntOhm3: 0.1 }] });
type Options = z.output<typeof optionsSchema>;
type Kind = "voltage" | "current" | "power";
type Channel = `${Kind}-${1 | 2 | 3}`;

const CHANNELS = [1, 2, 3] as const;

/** Texas Instruments INA3221: voltage, current and power of three lines (SBOS576). */
export const ina3221: I2cDriver<Channel, Options> = {
  model: "ina3221",
  channels: Object.fromEntries(
    CHANNELS.flatMap((n) =>
      (["voltage", "current", "power"] as const).map((kind) => [`${kind}-${n}`, kind]),
    ),
  ) as Record<Channel, QuantityId>,
  addresses: [0x40, 0x41, 0x42, 0x43],
  optionsSchema,
  async start(device) {
    await identify(device, IDS);
    await setUp(device, SETTINGS);
    await device.pause(FIRST_MS);
  },
  async read(device, options) {
    await stillSet(device, SETTINGS);
    const values: Partial<Record<Channel, ChannelValue>> = {};
    for (const n of CHANNELS) {
      const shuntWord = await readWord(device, 2 * n - 1);
      const line = decodeLine(shuntWord, await readWord(device, 2 * n), options[`shuntOhm${n}`]);
      for (const kind of ["voltage", "current", "power"] as const)
        values[`${kind}-${n}`] = line[kind];
    }
    return values as Record<Channel, ChannelValue>;
  },
};

/** V, A and W of one line. The lowest three bits of both words mean nothing. */
export function decodeLine(
  shuntWord: number,
  busWord: number,
  shuntOhm: number,
): Record<Kind, ChannelValue> {
  const shuntV = ((shuntWord << 16) >> 19) * 40e-6;
  const busV = ((busWord << 16) >> 19) * 0.008;
  const current = () => within(shuntV, -LIMIT_V, LIMIT_V) / shuntOhm;
  const voltage = () => within(busV, 0, 26.1);
  return {
    voltage: channel(voltage),
    current: channel(current),
    power: channel(() => voltage() * current()),
  };
}
