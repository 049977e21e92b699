import { airPressurePa, BOSCH_ADDRESSES, fineTemperature, measureOnce } from "./bosch280.ts";
import { type ChannelValue, channel, type I2cDriver, within } from "./driver.ts";

/** Bosch BMP280 temperature and air pressure sensor (BST-BMP280-DS001). */
export const bmp280: I2cDriver<"temperature" | "pressure"> = {
  model: "bmp280",
  channels: { temperature: "temperature", pressure: "airPressure" },
  addresses: BOSCH_ADDRESSES,
  async read(device) {
    const frame = await measureOnce(device, { model: "BMP280", id: 0x58, length: 6 });
    return decodeBmp280(frame);
  },
};

/** °C and Pa. Throws `DeviceError` when there is no temperature, without which nothing can be computed. */
export function decodeBmp280(frame: { calibration: Uint8Array; values: Uint8Array }): {
  temperature: number;
  pressure: ChannelValue;
} {
  const fine = fineTemperature(frame.calibration, frame.values);
  return {
    temperature: within(fine / 5_120, -40, 85),
    pressure: channel(() =>
      within(airPressurePa(frame.calibration, frame.values, fine), 30_000, 110_000),
    ),
  };
}
