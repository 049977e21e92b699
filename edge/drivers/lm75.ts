import { z } from "zod";
import { block, says } from "../../contract/yaml-words.ts";
import { type I2cDriver, refuseFloating, signedWord, within } from "./driver.ts";

const TEMPERATURE = [0x00];

const optionsSchema = block("an LM75", {
  /** 9 of the LM75 and LM75B, 11 of the LM75A, up to 12 of others; below stands noise. */
  bits: z.literal([9, 10, 11, 12], says("bits is 9, 10, 11 or 12")).default(9),
}).meta({ examples: [{ bits: 11 }] });
type Options = z.output<typeof optionsSchema>;

/** LM75 temperature sensor and its many relatives. It has no id register. */
export const lm75: I2cDriver<"temperature", Options> = {
  model: "lm75",
  channels: { temperature: "temperature" },
  addresses: [0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
  optionsSchema,
  coarse: true,
  async read(device, { bits }) {
    const frame = refuseFloating(await device.writeRead(TEMPERATURE, 2));
    return { temperature: within(decodeLm75(frame, bits), -55, 127) };
  },
};

export function decodeLm75(frame: Uint8Array, bits: Options["bits"]): number {
  return (signedWord(frame, 0) >> (16 - bits)) / 2 ** (bits - 8);
}
