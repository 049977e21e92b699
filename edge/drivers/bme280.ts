import { DeviceError } from "../bus/port.ts";
import { decodeBmp280 } from "./bmp280.ts";
import { BOSCH_ADDRESSES, fineTemperature, measureOnce, signed16 } from "./bosch280.ts";
import {
  byte,
  type ChannelValue,
  channel,
  type I2cDriver,
  signedByte,
  within,
  word,
} from "./driver.ts";

const HUMIDITY_CALIBRATION = [0xe1];
const HUMIDITY_ON = [0xf2, 0x01]; // counts only when the control register is written after it
const SKIPPED = 0x8000;

/** Bosch BME280 temperature, humidity and air pressure sensor (BST-BME280-DS002). Many boards sold as such carry a BMP280. */
export const bme280: I2cDriver<"temperature" | "humidity" | "pressure"> = {
  model: "bme280",
  channels: { temperature: "temperature", humidity: "humidity", pressure: "airPressure" },
  addresses: BOSCH_ADDRESSES,
  async read(device) {
    const chip = { model: "BME280", id: 0x60, length: 8, prepare: HUMIDITY_ON };
    const frame = await measureOnce(device, chip);
    const humidityCalibration = await device.writeRead(HUMIDITY_CALIBRATION, 7);
    return decodeBme280({ ...frame, humidityCalibration });
  },
};

/** °C, % and Pa. Throws `DeviceError` when there is no temperature, without which nothing can be computed. */
export function decodeBme280(frame: {
  calibration: Uint8Array;
  humidityCalibration: Uint8Array;
  values: Uint8Array;
}): { temperature: number; humidity: ChannelValue; pressure: ChannelValue } {
  const fine = fineTemperature(frame.calibration, frame.values);
  const humidity = channel(() => {
    const raw = word(frame.values, 6);
    if (raw === SKIPPED) throw new DeviceError("not-available", "the chip skipped humidity");
    return relativeHumidity(raw, fine, {
      h1: byte(frame.calibration, 25),
      rest: frame.humidityCalibration,
    });
  });
  return { ...decodeBmp280(frame), humidity };
}

/** % by the datasheet's formula, which ends in a clamp to 0–100. H4 and H5 are signed 12-bit numbers that share a byte. */
function relativeHumidity(
  raw: number,
  fine: number,
  { h1, rest }: { h1: number; rest: Uint8Array },
): number {
  const [h2, h3, h6] = [signed16(rest, 0), byte(rest, 2), signedByte(rest, 6)];
  const h4 = (signedByte(rest, 3) << 4) | (byte(rest, 4) & 0x0f);
  const h5 = (signedByte(rest, 5) << 4) | (byte(rest, 4) >> 4);
  const x = fine - 76_800;
  const slope = (h2 / 65_536) * (1 + (h6 / 67_108_864) * x * (1 + (h3 / 67_108_864) * x));
  const rough = (raw - (h4 * 64 + (h5 / 16_384) * x)) * slope;
  return within(Math.min(Math.max(rough * (1 - (h1 * rough) / 524_288), 0), 100), 0, 100);
}
