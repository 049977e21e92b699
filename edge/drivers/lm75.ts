import { type I2cDriver, refuseFloating, signedWord, within } from "./driver.ts";

const TEMPERATURE = [0x00];

/** LM75 temperature sensor, 9 bits. It has no id register; below its 9 bits stands noise. */
export const lm75 = driver("lm75", 9);
/** LM75A and its clones with 11 bits. */
export const lm75a = driver("lm75a", 11);

function driver(model: string, bits: 9 | 11): I2cDriver<"temperature"> {
  return {
    model,
    channels: { temperature: "temperature" },
    addresses: [0x48, 0x49, 0x4a, 0x4b, 0x4c, 0x4d, 0x4e, 0x4f],
    async read(device) {
      const frame = refuseFloating(await device.writeRead(TEMPERATURE, 2));
      return { temperature: within(decodeLm75(frame, bits), -55, 127) };
    },
  };
}

export function decodeLm75(frame: Uint8Array, bits: 9 | 11): number {
  return (signedWord(frame, 0) >> (16 - bits)) / 2 ** (bits - 8);
}
