import { DeviceError } from "../bus/port.ts";
import { checkedWord, sensirionCrc8 } from "./crc8.ts";
import { type I2cDriver, within } from "./driver.ts";
import { readSensorStatus, switchedHeater } from "./switched-heater.ts";

const READ_MAKER = [0x37, 0x81];
const TEXAS_INSTRUMENTS = 0x3000;
/** Heater resistors 0x03FF, with the word's checksum. */
const HALF_POWER = [0x30, 0x6e, 0x03, 0xff, sensirionCrc8([0x03, 0xff])];
const MEASURE = [0x24, 0x00]; // single shot, lowest noise
const MEASURE_MS = 16; // datasheet maximum is 15 ms

/** Texas Instruments HDC3020, HDC3021, HDC3022 temperature and humidity sensor (SNAS778). */
export const hdc302x: I2cDriver<"temperature" | "humidity"> = {
  model: "hdc302x",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x44, 0x45, 0x46, 0x47],
  heater: switchedHeater(HALF_POWER),
  async read(device) {
    await device.write(READ_MAKER);
    if (checkedWord(await device.read(3), 0) !== TEXAS_INSTRUMENTS)
      throw new DeviceError("identity", "the maker's id is not Texas Instruments'");
    if ((await readSensorStatus(device)).heaterOn)
      throw new DeviceError("not-available", "the heater is on: it measures itself");
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeHdc302x(await device.read(6));
    return { temperature: within(temperature, -40, 125), humidity };
  },
};

/** Both values as the frame spells them; −45 and 130 °C are the ends of the scale, not temperatures. */
export function decodeHdc302x(frame: Uint8Array): { temperature: number; humidity: number } {
  return {
    temperature: -45 + (175 * checkedWord(frame, 0)) / 65_535,
    humidity: (100 * checkedWord(frame, 3)) / 65_535,
  };
}
