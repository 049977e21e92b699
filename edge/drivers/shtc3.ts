import { DeviceError } from "../bus/port.ts";
import { checkedWord } from "./crc8.ts";
import { type I2cDriver, within } from "./driver.ts";

const WAKE = [0x35, 0x17];
const WAKE_MS = 1; // datasheet maximum is 240 µs
const READ_ID = [0xef, 0xc8];
const ID_MASK = 0x083f;
const ID = 0x0807;
const MEASURE = [0x78, 0x66]; // normal power, temperature first, no clock stretching
const MEASURE_MS = 13; // datasheet maximum is 12.1 ms
const SLEEP = [0xb0, 0x98];

/** Sensirion SHTC3 temperature and humidity sensor (SHTC3 datasheet). It sleeps between readings. */
export const shtc3: I2cDriver<"temperature" | "humidity"> = {
  model: "shtc3",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x70],
  async read(device) {
    await device.write(WAKE);
    await device.pause(WAKE_MS);
    await device.write(READ_ID);
    if (!isShtc3(await device.read(3)))
      throw new DeviceError("identity", "the id register is not an SHTC3's");
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeShtc3(await device.read(6));
    await device.write(SLEEP);
    return { temperature: within(temperature, -40, 125), humidity };
  },
};

export const isShtc3 = (frame: Uint8Array): boolean => (checkedWord(frame, 0) & ID_MASK) === ID;

export function decodeShtc3(frame: Uint8Array): { temperature: number; humidity: number } {
  return {
    temperature: -45 + (175 * checkedWord(frame, 0)) / 65_536,
    humidity: (100 * checkedWord(frame, 3)) / 65_536,
  };
}
