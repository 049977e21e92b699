import { expect, test } from "vitest";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import { decodeSht31, sht31 } from "../../../edge/drivers/sht31.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

test("SHT31 reads 23.7 °C and 63.0 %RH from words 0x648B and 0xA133", async () => {
  const device = scriptedI2c([
    { write: [0x24, 0x00] },
    { read: [0x64, 0x8b, 0xc7, 0xa1, 0x33, 0x1c] },
  ]);
  const { temperature, humidity } = await sht31.read(device);
  expect(temperature).toBeCloseTo(23.7, 1);
  expect(humidity).toBeCloseTo(63.0, 1);
  expect(device.pausedMs).toBeGreaterThanOrEqual(15.5);
});

const measurements = vectorsOf("SHT3x").filter(({ config }) => config.command === "2400");

test.each(measurements)("vector $id", ({ input, expected, tolerance }) => {
  const frame = hexBytes(input);
  if (expected.error === "crc")
    return expect(() => decodeSht31(frame)).toThrow(
      expect.objectContaining({ reason: "checksum" }),
    );
  const { temperature, humidity } = decodeSht31(frame);
  expect(Math.abs(temperature - Number(expected.temperature_c))).toBeLessThanOrEqual(
    Number(tolerance),
  );
  expect(Math.abs(humidity - Number(expected.humidity_pct))).toBeLessThanOrEqual(Number(tolerance));
});

test.each([0x0000, 0xffff])(
  "the end of the scale 0x%s with a good CRC is no temperature",
  async (end) => {
    const raw = [end >> 8, end & 0xff];
    const frame = [...raw, sensirionCrc8(raw), 0x66, 0x66, sensirionCrc8([0x66, 0x66])];
    const device = scriptedI2c([{ write: [0x24, 0x00] }, { read: frame }]);
    await expect(sht31.read(device)).rejects.toMatchObject({ reason: "range" });
  },
);

test("a frame that ends early is a bus fault", () => {
  expect(() => decodeSht31(Uint8Array.of(0x64, 0x8b, 0xc7, 0xa1))).toThrow(
    expect.objectContaining({ reason: "bus" }),
  );
});
