import { describe, expect, test } from "vitest";
import { decodeLm75, lm75 } from "../../../edge/drivers/lm75.ts";
import { decodeMcp9808, isMcp9808, mcp9808 } from "../../../edge/drivers/mcp9808.ts";
import { decodeSht4x, sht4x } from "../../../edge/drivers/sht4x.ts";
import { decodeShtc3, isShtc3, shtc3 } from "../../../edge/drivers/shtc3.ts";
import { decodeTmp102, tmp102 } from "../../../edge/drivers/tmp102.ts";
import { hexBytes, type Vector, vectorsOf } from "../vectors.ts";
import { framed, scriptedI2c } from "./scripted-device.ts";

/** Bytes → temperature, and humidity where there is one. */
const DECODERS: Record<string, (frame: Uint8Array) => { temperature: number; humidity?: number }> =
  {
    LM75: (frame) => ({ temperature: decodeLm75(frame, 9) }),
    LM75A: (frame) => ({ temperature: decodeLm75(frame, 11) }),
    MCP9808: (frame) => ({ temperature: decodeMcp9808(frame) }),
    SHT4x: decodeSht4x,
    SHTC3: decodeShtc3,
    TMP102: (frame) => ({ temperature: decodeTmp102(frame) }),
  };

const measures = ({ expected }: Vector) => "temperature_c" in expected;

describe.each(Object.entries(DECODERS))("%s", (device, decode) => {
  test.each(vectorsOf(device).filter(measures))("vector $id", ({ input, expected, tolerance }) => {
    const { temperature, humidity } = decode(hexBytes(input));
    const off = (found: number, wanted: unknown) => Math.abs(found - Number(wanted));
    expect(off(temperature, expected.temperature_c)).toBeLessThanOrEqual(Number(tolerance));
    if ("humidity_pct" in expected)
      expect(off(humidity ?? Number.NaN, expected.humidity_pct)).toBeLessThanOrEqual(
        Number(tolerance),
      );
  });
});

test("the id vectors of MCP9808 and SHTC3 are recognised, and others are not", () => {
  expect(isMcp9808(0x0400)).toBe(true);
  expect(isMcp9808(0x0117)).toBe(false);
  expect(isShtc3(hexBytes("080721"))).toBe(true);
  expect(isShtc3(framed(0x0117))).toBe(false);
});

test("SHTC3 is woken, identified, read and put to sleep again", async () => {
  const device = scriptedI2c([
    { write: [0x35, 0x17] },
    { write: [0xef, 0xc8] },
    { read: hexBytes("080721") },
    { write: [0x78, 0x66] },
    { read: hexBytes("648bc7a1331c") },
    { write: [0xb0, 0x98] },
  ]);
  expect((await shtc3.read(device)).temperature).toBeCloseTo(23.73, 2);
});

test("another chip at the SHTC3's address is never decoded", async () => {
  const other = scriptedI2c([
    { write: [0x35, 0x17] },
    { write: [0xef, 0xc8] },
    { read: framed(0x0117) },
  ]);
  await expect(shtc3.read(other)).rejects.toMatchObject({ reason: "identity" });
});

test("SHT4x reads 25.4 °C, and a chip damaged by static electricity reads nothing", async () => {
  const answer = (bytes: Iterable<number>) => scriptedI2c([{ write: [0xfd] }, { read: bytes }]);
  expect((await sht4x.read(answer(hexBytes("66f4c84c9b6f")))).temperature).toBeCloseTo(25.38, 2);
  const dead = sht4x.read(answer([...framed(0x8000), ...framed(0x8000)]));
  await expect(dead).rejects.toMatchObject({ reason: "not-available" });
});

test("MCP9808 reads −25 °C below its alert flags, and only from an MCP9808", async () => {
  const chip = (maker: string, id: string) =>
    scriptedI2c([
      { writeRead: [0x06], gives: hexBytes(maker) },
      { writeRead: [0x07], gives: hexBytes(id) },
      { writeRead: [0x05], gives: hexBytes("fe70") },
    ]);
  expect(await mcp9808.read(chip("0054", "0400"))).toEqual({ temperature: -25 });
  await expect(mcp9808.read(chip("5449", "0400"))).rejects.toMatchObject({ reason: "identity" });
  await expect(mcp9808.read(chip("0054", "0117"))).rejects.toMatchObject({ reason: "identity" });
});

test("a floating bus is no −0.5 °C", async () => {
  const floating = () => scriptedI2c([{ writeRead: [0x00], gives: [0xff, 0xff] }]);
  await expect(lm75.read(floating(), { bits: 9 })).rejects.toMatchObject({ reason: "bus" });
  await expect(tmp102.read(floating())).rejects.toMatchObject({ reason: "bus" });
});
