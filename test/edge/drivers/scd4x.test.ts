import { expect, test } from "vitest";
import { decodeScd4x, isReady, scd4x } from "../../../edge/drivers/scd4x.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { framed, scriptedI2c } from "./scripted-device.ts";

const OPTIONS = { altitudeM: 1_604, selfCalibration: false };
const NOT_READY = [{ write: [0xe4, 0xb8] }, { read: hexBytes("8000a2") }];

test("SCD4x is stopped, known by its serial number, set up and started", async () => {
  const device = scriptedI2c([
    { write: [0x3f, 0x86] },
    { write: [0x36, 0x82] },
    { read: hexBytes("73b119eb077a3b0c54") },
    { write: [0x24, 0x27, 0x06, 0x44, 0x22] },
    { write: [0x24, 0x16, 0x00, 0x00, 0x81] },
    { write: [0x21, 0xb1] },
  ]);
  await scd4x.start?.(device, OPTIONS);
  expect(device.pausedMs).toBeGreaterThanOrEqual(500);
  expect(device.left()).toBe(0);
});

test("SCD4x waits until a value is ready, then reads 556 ppm, 25.4 °C and 30.1 %RH", async () => {
  const device = scriptedI2c([
    ...NOT_READY,
    ...NOT_READY,
    { write: [0xe4, 0xb8] },
    { read: hexBytes("800604") },
    { write: [0xec, 0x05] },
    { read: hexBytes("022ca3670d364d08f1") },
  ]);
  const { co2, temperature, humidity } = await scd4x.read(device, OPTIONS);
  expect(co2).toBe(556);
  expect(temperature).toBeCloseTo(25.44, 2);
  expect(humidity).toBeCloseTo(30.09, 2);
});

test("an SCD4x that is never ready no longer measures, so that it is started again", async () => {
  const idle = scriptedI2c(Array.from({ length: 13 }, () => NOT_READY).flat());
  await expect(scd4x.read(idle, OPTIONS)).rejects.toMatchObject({ reason: "not-ready" });
  expect(idle.pausedMs).toBeGreaterThan(5_500);
});

test("0 ppm, which comes before the first value, is no measurement", () => {
  const frame = Uint8Array.of(...framed(0), ...framed(0x6667), ...framed(0x5eb9));
  expect(() => decodeScd4x(frame)).toThrow(expect.objectContaining({ reason: "not-ready" }));
});

test.each([
  ["nothing said", {}, { altitudeM: 0, selfCalibration: false }],
  [
    "both said",
    { altitudeM: 520, selfCalibration: true },
    { altitudeM: 520, selfCalibration: true },
  ],
])("options with %s", (_, written, options) => {
  expect(scd4x.optionsSchema?.parse(written)).toEqual(options);
});

const vectors = vectorsOf("SCD4x");

test.each(vectors.filter(({ config }) => config.command === "ec05"))(
  "vector $id",
  ({ input, expected, tolerance }) => {
    const { co2, temperature, humidity } = decodeScd4x(hexBytes(input));
    const off = (found: number, wanted: unknown) => Math.abs(found - Number(wanted));
    expect(co2).toBe(expected.co2_ppm);
    expect(off(temperature, expected.temperature_c)).toBeLessThanOrEqual(Number(tolerance));
    expect(off(humidity, expected.humidity_pct)).toBeLessThanOrEqual(Number(tolerance));
  },
);

test.each(vectors.filter(({ config }) => config.command === "e4b8"))(
  "vector $id: ready $expected.dataReady",
  ({ input, expected }) => {
    expect(isReady(hexBytes(input))).toBe(expected.dataReady);
  },
);
