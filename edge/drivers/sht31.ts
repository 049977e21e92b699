import { checkedWord } from "./crc8.ts";
import { type I2cDriver, within } from "./driver.ts";
import { switchedHeater } from "./switched-heater.ts";

const MEASURE = [0x24, 0x00]; // single shot, high repeatability, no clock stretching
const MEASURE_MS = 16; // datasheet maximum is 15 ms

/** Sensirion SHT31 temperature and humidity sensor (SHT3x-DIS datasheet); also SHT30 and SHT35. */
export const sht31: I2cDriver<"temperature" | "humidity"> = {
  model: "sht31",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x44, 0x45],
  heater: switchedHeater(),
  async read(device) {
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeSht31(await device.read(6));
    return { temperature: within(temperature, -40, 125), humidity };
  },
};

/** Both values as the frame spells them; −45 and 130 °C are the ends of the scale, not temperatures. */
export function decodeSht31(frame: Uint8Array): { temperature: number; humidity: number } {
  return {
    temperature: -45 + (175 * checkedWord(frame, 0)) / 65_535,
    humidity: (100 * checkedWord(frame, 3)) / 65_535,
  };
}
