import { expect, test } from "vitest";
import { aht20, decodeAht20 } from "../../../edge/drivers/aht20.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

/** The words of the published example with another status byte. */
function frame(status: number, words = "7552058e40"): Uint8Array {
  const bytes = [status, ...hexBytes(words)];
  return Uint8Array.of(...bytes, sensirionCrc8(bytes));
}

test("AHT20 reads 45.8 %RH and 19.4 °C after its status", async () => {
  const device = scriptedI2c([
    { writeRead: [0x71], gives: [0x18] },
    { write: [0xac, 0x33, 0x00] },
    { read: frame(0x18) },
  ]);
  const { temperature, humidity } = await aht20.read(device);
  expect(temperature).toBeCloseTo(19.446, 3);
  expect(humidity).toBeCloseTo(45.83, 2);
  expect(device.pausedMs).toBe(80);
});

test("an AHT20 that lost its calibration is initialised before it measures", async () => {
  const device = scriptedI2c([
    { writeRead: [0x71], gives: [0x10] },
    { write: [0xbe, 0x08, 0x00] },
    { write: [0xac, 0x33, 0x00] },
    { read: frame(0x18) },
  ]);
  expect((await aht20.read(device)).humidity).toBeCloseTo(45.83, 2);
});

test.each(vectorsOf("AHT20"))("vector $id: $expected.error", ({ input }) => {
  expect(() => decodeAht20(hexBytes(input))).toThrow(
    expect.objectContaining({ reason: "not-ready", message: "not calibrated" }),
  );
});

test.each([
  ["still measuring", frame(0x98), "not-ready"],
  ["a humidity of zero", frame(0x18, "000005eccc"), "range"],
  ["the six bytes of an AHT10", Uint8Array.of(...frame(0x18).subarray(0, 6), 0xff), "checksum"],
])("%s gives no value", (_, bytes, reason) => {
  expect(() => decodeAht20(bytes)).toThrow(expect.objectContaining({ reason }));
});
