import { expect, test } from "vitest";
import { parseScratchpad } from "../../../edge/drivers/ds18b20.ts";
import { decodeDs18s20, ds18s20 } from "../../../edge/drivers/ds18s20.ts";
import { vectorsOf } from "../vectors.ts";

test.each(vectorsOf("DS18S20"))("vector $id", ({ input, expected, tolerance }) => {
  const temperature = decodeDs18s20(parseScratchpad(String(input)));
  expect(Math.abs(temperature - Number(expected.temperature_c))).toBeLessThanOrEqual(
    Number(tolerance),
  );
});

test("reads 25.0625 °C from the kernel's text", () => {
  const text = "32 00 4b 46 ff ff 0b 10 05 : crc=05 YES\n32 00 4b 46 ff ff 0b 10 05 t=25062\n";
  expect(ds18s20.decode(text)).toBe(25.0625);
});

test("what it holds after power-on is no 85 °C", () => {
  const text = "aa 00 4b 46 ff ff 0c 10 87 : crc=87 YES\naa 00 4b 46 ff ff 0c 10 87 t=85000\n";
  expect(() => ds18s20.decode(text)).toThrow(expect.objectContaining({ reason: "not-ready" }));
});
