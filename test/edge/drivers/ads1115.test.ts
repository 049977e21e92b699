import { describe, expect, test } from "vitest";
import { ads1115, decodeAds1115 } from "../../../edge/drivers/ads1115.ts";
import {
  type AnalogInput,
  analogInput,
  doorLoop,
  loopOhm,
  measured,
  soundCurrent,
} from "../../../edge/drivers/analog-input.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

const options = (written: unknown) => ads1115.optionsSchema?.parse(written) ?? {};
const VOLTAGE = options({ a0: { kind: "voltage" } });

test("ADS1115 converts AIN0 once, waits until it is done and reads 2.048 V", async () => {
  const device = scriptedI2c([
    { write: [0x01, 0xc3, 0x83] },
    { writeRead: [0x01], gives: hexBytes("4383") },
    { writeRead: [0x01], gives: hexBytes("c383") },
    { writeRead: [0x00], gives: hexBytes("4000") },
  ]);
  const values = await ads1115.read(device, VOLTAGE);
  expect(values.a0).toBe(2.048);
  expect(values.a1).toMatchObject({ reason: "unsupported" });
  expect(device.pausedMs).toBeGreaterThan(8.6);
});

test.each([
  ["a brown-out put its settings back", "8583", "reset"],
  ["the bus floats", "ffff", "bus"],
  ["it never ends its conversion", "4383", "not-ready"],
])("when %s there is no voltage", async (_, state, reason) => {
  const polls = Array.from({ length: 5 }, () => ({ writeRead: [0x01], gives: hexBytes(state) }));
  const device = scriptedI2c([{ write: [0x01, 0xc3, 0x83] }, ...polls]);
  await expect(ads1115.read(device, VOLTAGE)).rejects.toMatchObject({ reason });
});

test("a cut loop on one input leaves the other its value", async () => {
  const both = options({
    a0: { kind: "current-loop", shuntOhm: 82, quantity: "pressure", at4mA: 0, at20mA: 50 },
    a3: { kind: "door-loop" },
  });
  const device = scriptedI2c([
    { write: [0x01, 0xc3, 0x83] },
    { writeRead: [0x01], gives: hexBytes("c383") },
    { writeRead: [0x00], gives: hexBytes("0000") },
    { write: [0x01, 0xf3, 0x83] },
    { writeRead: [0x01], gives: hexBytes("f383") },
    { writeRead: [0x00], gives: hexBytes("2040") }, // 1.032 V: 1,001 Ω
  ]);
  const values = await ads1115.read(device, both);
  expect(values.a0).toMatchObject({ reason: "wire" });
  expect(values.a3).toBe(0);
  expect(ads1115.channelsWith?.(both)).toEqual({ a0: "pressure", a3: "flag" });
});

describe("what a current means (NAMUR NE 43)", () => {
  test.each([
    [0.4, "wire"],
    [3.5, "not-available"],
    [3.7, "range"],
    [20.6, "range"],
    [21.1, "not-available"],
  ])("%s mA is %s", (mA, reason) => {
    expect(() => soundCurrent(mA)).toThrow(expect.objectContaining({ reason }));
  });
  test.each([3.8, 4, 12, 20.5])("%s mA is a measurement", (mA) => {
    expect(soundCurrent(mA)).toBe(mA);
  });
});

describe("a supervised door loop", () => {
  test.each([
    [0, "short"],
    [399, "short"],
    [550, "loop-fault"],
    [1_000, "closed"],
    [2_000, "loop-fault"],
    [4_300, "open"],
    [8_000, "loop-fault"],
    [Infinity, "cut"],
  ])("of %s Ω is %s", (ohms, state) => {
    expect(doorLoop(ohms)).toBe(state);
  });
});

test("a leak rope is dry at its end resistor, wet below, and cut above", () => {
  const rope = analogInput.parse({ kind: "leak-rope", pullUpOhm: 10_000, endOhm: 10_000 });
  expect(measured(1.65, rope)).toBe(0);
  expect(measured(0.9, rope)).toBe(1);
  expect(() => measured(2.4, rope)).toThrow(expect.objectContaining({ reason: "wire" }));
});

test.each([
  [{ a0: { kind: "volts" } }],
  [{ a0: { kind: "current-loop", shuntOhm: 100 } }],
  [{ a0: { kind: "voltage", fullScaleV: 5 } }],
  [{ a4: { kind: "voltage" } }],
])("the options %j are refused", (written) => {
  expect(ads1115.optionsSchema?.safeParse(written).success).toBe(false);
});

describe("vectors", () => {
  test.each(vectorsOf("ADS1115"))("$id", ({ input, config, expected, tolerance }) => {
    const fullScaleV = Number(config.fullScale_v);
    const frame = hexBytes(input);
    // The scale's ends are a voltage in the register and no measurement to us.
    if (expected.fault === "over-range" || input === "8000")
      return expect(() => decodeAds1115(frame, fullScaleV)).toThrow(
        expect.objectContaining({ reason: "range" }),
      );
    const volts = decodeAds1115(frame, fullScaleV);
    const off = (found: number, wanted: unknown) => Math.abs(found - Number(wanted));
    if ("voltage_v" in expected)
      expect(off(volts, expected.voltage_v)).toBeLessThanOrEqual(Number(tolerance));
    if ("loop" in expected) {
      const loop = { supplyV: Number(config.supply_v), pullUpOhm: Number(config.pullup_ohm) };
      expect(doorLoop(loopOhm(volts, loop))).toBe(expected.loop);
    }
    if ("value" in expected) {
      const [at4mA, at20mA] = config.range as [number, number];
      const transmitter: AnalogInput = {
        ...{ kind: "current-loop", quantity: "pressure", fullScaleV: 2.048 },
        ...{ shuntOhm: Number(config.shunt_ohm), at4mA, at20mA },
      };
      expect(off(measured(volts, transmitter), expected.value)).toBeLessThanOrEqual(
        Number(tolerance),
      );
    }
  });
});
