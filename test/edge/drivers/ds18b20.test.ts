import { expect, test } from "vitest";
import { maximCrc8 } from "../../../edge/drivers/crc8.ts";
import { ds18b20 } from "../../../edge/drivers/ds18b20.ts";
import { vectorsOf } from "../vectors.ts";

const REASONS: Record<string, string> = {
  "power-on-value": "not-ready",
  "insufficient-power": "not-ready",
  "bus-shorted": "bus",
  "no-device": "no-answer",
};
/** `temperature`, the other kernel file, hides the scratchpad and with it these faults; it is not read. */
const texts = vectorsOf("DS18B20").filter(({ config }) => config.file === "w1_slave");

test.each(texts)("vector $id", ({ input, expected, tolerance }) => {
  const text = String(input);
  if (expected.error)
    return expect(() => ds18b20.decode(text)).toThrow(
      expect.objectContaining({ reason: REASONS[String(expected.error)] }),
    );
  const off = Math.abs(ds18b20.decode(text) - Number(expected.temperature_c));
  expect(off).toBeLessThanOrEqual(Number(tolerance));
});

/** What the kernel prints for these eight bytes. */
function w1Slave(bytes: number[], verdict?: "YES" | "NO"): string {
  const hex = [...bytes, maximCrc8(bytes)].map((byte) => byte.toString(16).padStart(2, "0"));
  const shown = hex.join(" ");
  return `${shown} : crc=${hex[8]} ${verdict ?? "YES"}\n${shown} t=21000\n`;
}

test("a genuine 85 °C is told from the power-on value by byte 6", () => {
  expect(ds18b20.decode(w1Slave([0x50, 0x05, 0x4b, 0x46, 0x7f, 0xff, 0x10, 0x10]))).toBe(85);
});

test("at 9 bits of resolution the three lowest bits are noise", () => {
  expect(ds18b20.decode(w1Slave([0x97, 0x01, 0x4b, 0x46, 0x1f, 0xff, 0x09, 0x10]))).toBe(25);
});

test.each([
  [
    "the kernel says NO, though t= looks sound",
    w1Slave([0x91, 1, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10], "NO"),
    "checksum",
  ],
  [
    "a byte was damaged after the kernel's check",
    w1Slave([0x91, 1, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10]).replaceAll("91", "92"),
    "checksum",
  ],
  ["all ones, no pull-up", `${"ff ".repeat(9)}: crc=c9 NO\n${"ff ".repeat(9)}t=-62\n`, "no-answer"],
  ["half a file", "91 01 4b 46 7f", "checksum"],
  [
    "the Arduino library's −127 °C",
    w1Slave([0x10, 0xf8, 0x4b, 0x46, 0x7f, 0xff, 0x0c, 0x10]),
    "range",
  ],
])("%s: no temperature", (_, text, reason) => {
  expect(() => ds18b20.decode(text)).toThrow(expect.objectContaining({ reason }));
});
