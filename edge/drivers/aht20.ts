import { DeviceError } from "../bus/port.ts";
import { sensirionCrc8 } from "./crc8.ts";
import { byte, type I2cDriver, within, word } from "./driver.ts";

const STATUS = [0x71];
const CALIBRATED = 0x08;
const BUSY = 0x80;
const INITIALISE = [0xbe, 0x08, 0x00];
const INITIALISE_MS = 10;
const MEASURE = [0xac, 0x33, 0x00];
const MEASURE_MS = 80;
const STEPS = 2 ** 20;

/** Aosong AHT20, AHT21 temperature and humidity sensor. An AHT10 sends no checksum and is refused. */
export const aht20: I2cDriver<"temperature" | "humidity"> = {
  model: "aht20",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x38],
  async read(device) {
    const status = byte(await device.writeRead(STATUS, 1), 0);
    if (!(status & CALIBRATED)) {
      await device.write(INITIALISE);
      await device.pause(INITIALISE_MS);
    }
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeAht20(await device.read(7));
    return { temperature: within(temperature, -40, 85), humidity };
  },
};

/** Throws `DeviceError` "checksum", "not-ready" or, for a humidity of exactly zero, "range". */
export function decodeAht20(frame: Uint8Array): { temperature: number; humidity: number } {
  if (sensirionCrc8(frame.subarray(0, 6)) !== byte(frame, 6))
    throw new DeviceError("checksum", "CRC mismatch");
  const status = byte(frame, 0);
  if (status & BUSY) throw new DeviceError("not-ready", "still measuring");
  if (!(status & CALIBRATED)) throw new DeviceError("not-ready", "not calibrated");
  const humidity = (word(frame, 1) << 4) | (byte(frame, 3) >> 4);
  const temperature = ((byte(frame, 3) & 0x0f) << 16) | word(frame, 4);
  if (humidity === 0) throw new DeviceError("range", "a humidity of zero is no measurement");
  return { temperature: (temperature / STEPS) * 200 - 50, humidity: (humidity / STEPS) * 100 };
}
