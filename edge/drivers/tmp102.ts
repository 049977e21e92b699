import { type I2cDriver, refuseFloating, signedWord, within } from "./driver.ts";

const TEMPERATURE = [0x00];

/** Texas Instruments TMP102 temperature sensor (SBOS397). It has no id register. */
export const tmp102: I2cDriver<"temperature"> = {
  model: "tmp102",
  channels: { temperature: "temperature" },
  addresses: [0x48, 0x49, 0x4a, 0x4b],
  coarse: true,
  async read(device) {
    const frame = refuseFloating(await device.writeRead(TEMPERATURE, 2));
    return { temperature: within(decodeTmp102(frame), -55, 150) };
  },
};

/** °C; bit 0 says that the chip is in its extended, 13-bit mode. */
export function decodeTmp102(frame: Uint8Array): number {
  const raw = signedWord(frame, 0);
  return (raw & 1 ? raw >> 3 : raw >> 4) / 16;
}
