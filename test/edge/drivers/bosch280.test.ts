import { describe, expect, test } from "vitest";
import { bme280, decodeBme280 } from "../../../edge/drivers/bme280.ts";
import { bmp280, decodeBmp280 } from "../../../edge/drivers/bmp280.ts";
import { hexBytes, type Vector, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

const [published] = vectorsOf("BME280").filter(({ id }) => id === "BME280-02");
const MAIN = hexBytes(published?.config.calibration_0x88);
const HUMIDITY = hexBytes(published?.config.calibration_0xE1);

const conversation = (values: Iterable<number>, control = [0x00, 0x24]) =>
  scriptedI2c([
    { writeRead: [0xd0], gives: [0x60] },
    { writeRead: [0x88], gives: MAIN },
    { write: [0xf2, 0x01] },
    { write: [0xf4, 0x25] },
    { writeRead: [0xf3], gives: control },
    { writeRead: [0xf7], gives: values },
    { writeRead: [0xe1], gives: HUMIDITY },
  ]);

test("BME280 measures once: 62.7 °C, 9.95 %RH and 99,576 Pa of the published recording", async () => {
  const device = conversation(hexBytes(published?.input));
  const { temperature, humidity, pressure } = await bme280.read(device);
  expect(temperature).toBeCloseTo(62.68, 2);
  expect(humidity).toBeCloseTo(9.95, 2);
  expect(Number(pressure) - 99_576).toBeLessThan(1);
  expect(device.pausedMs).toBeGreaterThan(9.3);
});

test("without humidity the BME280 still tells temperature and pressure", async () => {
  const { temperature, humidity } = await bme280.read(conversation(hexBytes("519fc09e3a508000")));
  expect(temperature).toBeCloseTo(62.68, 2);
  expect(humidity).toMatchObject({ reason: "not-available" });
});

test.each([
  ["still measuring", [0x08, 0x25], "not-ready"],
  ["still copying its calibration", [0x01, 0x24], "not-ready"],
  ["its order forgotten in a brown-out", [0x00, 0x00], "reset"],
])("a BME280 %s gives no value", async (_, control, reason) => {
  const device = conversation(hexBytes(published?.input), control);
  await expect(bme280.read(device)).rejects.toMatchObject({ reason });
});

test("a BMP280 sold as a BME280 is refused, and the other way round", async () => {
  const chip = (id: number) => scriptedI2c([{ writeRead: [0xd0], gives: [id] }]);
  await expect(bme280.read(chip(0x58))).rejects.toMatchObject({ reason: "identity" });
  await expect(bmp280.read(chip(0x60))).rejects.toMatchObject({ reason: "identity" });
});

test("BMP280 reads 25.08 °C and 100,653 Pa of the datasheet's example", async () => {
  const [example] = vectorsOf("BMP280");
  const device = scriptedI2c([
    { writeRead: [0xd0], gives: [0x58] },
    { writeRead: [0x88], gives: [...hexBytes(example?.config.calibration_0x88), 0, 0] },
    { write: [0xf4, 0x25] },
    { writeRead: [0xf3], gives: [0x00, 0x24] },
    { writeRead: [0xf7], gives: hexBytes(example?.input) },
  ]);
  const { temperature, pressure } = await bmp280.read(device);
  expect(temperature).toBeCloseTo(25.08, 2);
  expect(Number(pressure)).toBeCloseTo(100_653.27, 0);
});

test.each([0x00, 0xff])("a calibration of only 0x%s, as after a reset, gives no 0 °C", (byte) => {
  const frame = { calibration: new Uint8Array(26).fill(byte), values: hexBytes("655ac07eed00") };
  expect(() => decodeBmp280(frame)).toThrow(expect.objectContaining({ reason: "not-ready" }));
});

const KEYS = { temperature: "temperature_c", pressure: "pressure_pa", humidity: "humidity_pct" };

function expectVector({ expected, tolerance }: Vector, values: Record<string, unknown>): void {
  for (const [channel, key] of Object.entries(KEYS))
    if (key in expected) {
      const off = Math.abs(Number(values[channel]) - Number(expected[key]));
      const allowed = typeof tolerance === "number" ? tolerance : Number(tolerance[key]);
      expect(off).toBeLessThanOrEqual(allowed);
    }
}

describe("vectors", () => {
  test.each([...vectorsOf("BME280"), ...vectorsOf("BMP280")])("$id", (vector) => {
    const frame = {
      calibration: hexBytes(vector.config.calibration_0x88),
      humidityCalibration: hexBytes(vector.config.calibration_0xE1 ?? ""),
      values: hexBytes(vector.input),
    };
    const decode = () => (vector.device === "BME280" ? decodeBme280(frame) : decodeBmp280(frame));
    if (vector.expected.error)
      return expect(decode).toThrow(expect.objectContaining({ reason: "not-available" }));
    expectVector(vector, decode());
  });
});
