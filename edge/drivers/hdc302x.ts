import { DeviceError } from "../bus/port.ts";
import { checkedWord } from "./crc8.ts";
import { type I2cDriver, within } from "./driver.ts";

const READ_MAKER = [0x37, 0x81];
const TEXAS_INSTRUMENTS = 0x3000;
const READ_STATUS = [0xf3, 0x2d];
const MEASURE = [0x24, 0x00]; // single shot, lowest noise
const MEASURE_MS = 16; // datasheet maximum is 15 ms

/** Texas Instruments HDC3020, HDC3021, HDC3022 temperature and humidity sensor (SNAS778). */
export const hdc302x: I2cDriver<"temperature" | "humidity"> = {
  model: "hdc302x",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x44, 0x45, 0x46, 0x47],
  async read(device) {
    await device.write(READ_MAKER);
    if (checkedWord(await device.read(3), 0) !== TEXAS_INSTRUMENTS)
      throw new DeviceError("identity", "the maker's id is not Texas Instruments'");
    await device.write(READ_STATUS);
    if (decodeSensorStatus(await device.read(3)).heaterOn)
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

/** The status word of HDC302x and SHT3x. */
export function decodeSensorStatus(frame: Uint8Array) {
  const status = checkedWord(frame, 0);
  const bit = (n: number) => ((status >> n) & 1) === 1;
  return {
    alertPending: bit(15),
    heaterOn: bit(13),
    resetDetected: bit(4),
    commandFailed: bit(1),
    writeCrcFailed: bit(0),
  };
}
