import { expect, test } from "vitest";
import { decodeTmp117, tmp117 } from "../../../edge/drivers/tmp117.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

const conversation = (id: Iterable<number>, temperature: Iterable<number>) =>
  scriptedI2c([
    { writeRead: [0x0f], gives: id },
    { writeRead: [0x00], gives: temperature },
  ]);
const ID = [0x01, 0x17];

test("TMP117 reads 25.0 °C from 0x0C80 after its device id", async () => {
  expect(await tmp117.read(conversation(ID, [0x0c, 0x80]))).toEqual({ temperature: 25 });
});

test("a later revision of the chip is the same chip", async () => {
  expect(await tmp117.read(conversation([0x21, 0x17], [0x0c, 0x80]))).toEqual({ temperature: 25 });
});

test.each(vectorsOf("TMP117").filter(({ config }) => config.register === "00"))(
  "vector $id",
  ({ input, expected, tolerance }) => {
    const frame = hexBytes(input);
    if (expected.error)
      return expect(() => decodeTmp117(frame)).toThrow(
        expect.objectContaining({ reason: "not-ready" }),
      );
    const off = Math.abs(decodeTmp117(frame) - Number(expected.temperature_c));
    expect(off).toBeLessThanOrEqual(Number(tolerance));
  },
);

test.each([
  ["another chip at the address", [0x75, 0x00], [0x0c, 0x80], "identity"],
  ["a floating bus", [0xff, 0xff], [0xff, 0xff], "identity"],
  ["the power-on value −256 °C", ID, [0x80, 0x00], "not-ready"],
  ["a word above 150 °C", ID, [0x7f, 0xff], "range"],
  ["a word below −55 °C", ID, [0xe4, 0x00], "range"],
])("%s gives no temperature", async (_, id, temperature, reason) => {
  await expect(tmp117.read(conversation(id, temperature))).rejects.toMatchObject({ reason });
});
