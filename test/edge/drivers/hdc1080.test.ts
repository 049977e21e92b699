import { expect, test } from "vitest";
import { decodeHdc1080, hdc1080 } from "../../../edge/drivers/hdc1080.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

const IDENTITY = [
  { writeRead: [0xfe], gives: hexBytes("5449") },
  { writeRead: [0xff], gives: hexBytes("1050") },
];

test("HDC1080 is identified, set up and read: 25.0 °C and 49.0 %RH", async () => {
  const device = scriptedI2c([
    ...IDENTITY,
    { write: [0x02, 0x10, 0x00] },
    { writeRead: [0x02], gives: hexBytes("1000") },
    { write: [0x00] },
    { read: hexBytes("64d87d70") },
  ]);
  const { temperature, humidity } = await hdc1080.read(device);
  expect(temperature).toBeCloseTo(25.0, 1);
  expect(humidity).toBeCloseTo(49.0, 1);
  expect(device.pausedMs).toBeGreaterThanOrEqual(13);
});

test("an INA226 at its address is never decoded as an HDC1080", async () => {
  const other = scriptedI2c([
    { writeRead: [0xfe], gives: hexBytes("5449") },
    { writeRead: [0xff], gives: hexBytes("2260") },
  ]);
  await expect(hdc1080.read(other)).rejects.toMatchObject({ reason: "identity" });
});

test.each(["00007d70", "64d80000", "ffffffff"])("the words %s are no measurement", (words) => {
  expect(() => decodeHdc1080(hexBytes(words))).toThrow(
    expect.objectContaining({ reason: "range" }),
  );
});

test.each(vectorsOf("HDC1080"))("vector $id", ({ input, expected, tolerance }) => {
  const { temperature, humidity } = decodeHdc1080(hexBytes(input));
  expect(Math.abs(temperature - Number(expected.temperature_c))).toBeLessThan(Number(tolerance));
  expect(Math.abs(humidity - Number(expected.humidity_pct))).toBeLessThan(Number(tolerance));
});
