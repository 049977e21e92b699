import { DeviceError } from "../bus/port.ts";
import { checkedWord } from "./crc8.ts";
import { type I2cDriver, within } from "./driver.ts";

const MEASURE = [0xfd]; // high precision, heater off
const MEASURE_MS = 9; // datasheet maximum is 8.3 ms
const DAMAGED = 0x8000;
const HEAT = [0x39]; // 200 mW for a second, then a measurement
const HEAT_MS = 1_100; // datasheet maximum

/** Sensirion SHT40, SHT41, SHT45 temperature and humidity sensor (SHT4x datasheet). */
export const sht4x: I2cDriver<"temperature" | "humidity"> = {
  model: "sht4x",
  channels: { temperature: "temperature", humidity: "humidity" },
  addresses: [0x44, 0x45, 0x46],
  heater: {
    async pulse(device) {
      await device.write(HEAT);
      await device.pause(HEAT_MS);
      // The hot air's values; that they come with sound checksums shows that the burst is over.
      decodeSht4x(await device.read(6));
    },
  },
  async read(device) {
    await device.write(MEASURE);
    await device.pause(MEASURE_MS);
    const { temperature, humidity } = decodeSht4x(await device.read(6));
    return { temperature: within(temperature, -40, 125), humidity };
  },
};

/** Humidity is clamped to 0–100 %, as the datasheet asks. Throws `DeviceError` for a damaged chip. */
export function decodeSht4x(frame: Uint8Array): { temperature: number; humidity: number } {
  const [t, rh] = [checkedWord(frame, 0), checkedWord(frame, 3)];
  // A chip killed by static electricity answers so: a credible 42.5 °C and 56.5 % with a good CRC.
  if (t === DAMAGED && rh === DAMAGED)
    throw new DeviceError("not-available", "both words are 0x8000: the sensor is damaged");
  const humidity = Math.min(Math.max(-6 + (125 * rh) / 65_535, 0), 100);
  return { temperature: -45 + (175 * t) / 65_535, humidity };
}
