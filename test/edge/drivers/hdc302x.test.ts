import { expect, test } from "vitest";
import { decodeHdc302x, hdc302x } from "../../../edge/drivers/hdc302x.ts";
import { decodeSensorStatus } from "../../../edge/drivers/switched-heater.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { framed, scriptedI2c } from "./scripted-device.ts";

const conversation = (status: string, values: string) =>
  scriptedI2c([
    { write: [0x37, 0x81] },
    { read: hexBytes("300033") },
    { write: [0xf3, 0x2d] },
    { read: hexBytes(status) },
    { write: [0x24, 0x00] },
    { read: hexBytes(values) },
  ]);

test("HDC302x reads 26.621 °C and 23.2 %RH from words 0x68C5 and 0x3B82", async () => {
  const device = conversation("000081", "68c5513b8231");
  const { temperature, humidity } = await hdc302x.read(device);
  expect(temperature).toBeCloseTo(26.621, 3);
  expect(humidity).toBeCloseTo(23.246, 3);
  expect(device.pausedMs).toBeGreaterThanOrEqual(15);
});

test("an SHT31 at its address is never decoded as an HDC302x", async () => {
  const other = scriptedI2c([{ write: [0x37, 0x81] }, { read: framed(0x0816) }]);
  await expect(hdc302x.read(other)).rejects.toMatchObject({ reason: "identity" });
});

test("while its heater is on it measures itself, so there is no value", async () => {
  const heated = scriptedI2c([
    { write: [0x37, 0x81] },
    { read: hexBytes("300033") },
    { write: [0xf3, 0x2d] },
    { read: framed(0x2000) },
  ]);
  await expect(hdc302x.read(heated)).rejects.toMatchObject({ reason: "not-available" });
});

test.each(vectorsOf("HDC302x"))("vector $id", ({ input, config, expected, tolerance }) => {
  const word = Buffer.from(hexBytes(input)).readUInt16BE(0);
  const bytes = config.crcIncluded === false ? [...framed(word), ...framed(0)] : hexBytes(input);
  const { temperature, humidity } = decodeHdc302x(Uint8Array.from(bytes));
  const off = (found: number, wanted: unknown) => Math.abs(found - Number(wanted));
  expect(off(temperature, expected.temperature_c)).toBeLessThanOrEqual(Number(tolerance));
  if ("humidity_pct" in expected)
    expect(off(humidity, expected.humidity_pct)).toBeLessThanOrEqual(Number(tolerance));
});

test.each(vectorsOf("SHT3x").filter(({ config }) => config.command === "f32d"))(
  "status vector $id",
  ({ input, expected }) => {
    expect(decodeSensorStatus(hexBytes(input))).toEqual(expected);
  },
);
