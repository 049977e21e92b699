import { DeviceError } from "../bus/port.ts";
import { type I2cDriver, within, word } from "./driver.ts";
import { identify, setUp } from "./registers.ts";

const MEASURE = [0x00];
const MEASURE_MS = 15; // 6.35 ms for temperature and 6.5 ms for humidity, and some for its clock
const IDS = { 254: 0x5449, 255: 0x1050 };
const SETTINGS = { 2: 0x1000 }; // both values at 14 bits in one measurement, heater off
const BROKEN = [0x0000, 0xffff];

/** Texas Instruments HDC1080 temperature and humidity sensor (SNAS672). Its frames have no checksum. */
export const hdc1080: I2cDriver<"temperature" | "humidity"> = {
  model: "hdc1080",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x40],
  async read(device) {
    await identify(device, IDS);
    await setUp(device, SETTINGS);
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeHdc1080(await device.read(4));
    return { temperature: within(temperature, -40, 125), humidity };
  },
};

/** Throws `DeviceError` "range" for the ends of the scale: without a checksum they mean a broken line. */
export function decodeHdc1080(frame: Uint8Array): { temperature: number; humidity: number } {
  const [t, rh] = [word(frame, 0), word(frame, 2)];
  if (BROKEN.includes(t) || BROKEN.includes(rh))
    throw new DeviceError("range", "a word of only zeros or only ones is no measurement");
  return { temperature: (t / 65_536) * 165 - 40, humidity: (rh / 65_536) * 100 };
}
