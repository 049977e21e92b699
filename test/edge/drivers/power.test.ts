import { describe, expect, test } from "vitest";
import { decodeIna219, ina219, shuntMv } from "../../../edge/drivers/ina219.ts";
import { decodeIna226, ina226 } from "../../../edge/drivers/ina226.ts";
import { decodeIna228, ina228 } from "../../../edge/drivers/ina228.ts";
import { decodeLine, ina3221 } from "../../../edge/drivers/ina3221.ts";
import { hexBytes, type Vector, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

/** The programming example of both datasheets: 2 mΩ, steps of 1 mA. */
const OPTIONS = { shuntOhm: 0.002, maxA: 32.768 };
const reg = (register: number, hex: string) => ({ writeRead: [register], gives: hexBytes(hex) });

describe("INA219", () => {
  const settings = [reg(0x00, "3fff"), reg(0x05, "5000")];

  test("keeps its settings, then reads 11.98 V, 10 A and 119.8 W", async () => {
    const device = scriptedI2c([
      { write: [0x00, 0x3f, 0xff] },
      { write: [0x05, 0x50, 0x00] },
      ...settings,
      ...settings,
      reg(0x01, "07d0"),
      reg(0x02, "5d9a"),
      reg(0x04, "2710"),
      reg(0x03, "1766"),
    ]);
    await ina219.start?.(device, OPTIONS);
    expect(device.pausedMs).toBeGreaterThan(136);
    const { voltage, current, power } = await ina219.read(device, OPTIONS);
    expect(voltage).toBeCloseTo(11.98, 5);
    expect(current).toBeCloseTo(10, 5);
    expect(power).toBeCloseTo(119.8, 5);
  });

  test("a chip that lost its calibration does not report 0 A", async () => {
    const device = scriptedI2c([reg(0x00, "399f")]);
    await expect(ina219.read(device, OPTIONS)).rejects.toMatchObject({ reason: "reset" });
  });

  test("another chip at its address does not keep the settings", async () => {
    const device = scriptedI2c([
      { write: [0x00, 0x3f, 0xff] },
      { write: [0x05, 0x50, 0x00] },
      reg(0x00, "64d8"),
    ]);
    await expect(ina219.start?.(device, OPTIONS)).rejects.toMatchObject({ reason: "identity" });
  });

  test.each(vectorsOf("INA219").filter(({ input }) => word(input, "02") > 0))(
    "vector $id",
    ({ input, config, expected, tolerance }) => {
      const registers = {
        shunt: word(input, "01"),
        bus: word(input, "02"),
        current: word(input, "04"),
        power: word(input, "03"),
      };
      const values = decodeIna219(registers, Number(config.current_lsb_a ?? 0.001));
      expectPower(values, expected, tolerance);
      if (expected.overflow) expect(values.current).toMatchObject({ reason: "range" });
    },
  );
});

test.each(vectorsOf("INA219").filter(({ expected }) => "shunt_mv" in expected))(
  "shunt vector $id",
  ({ input, expected, tolerance }) => {
    const off = Math.abs(shuntMv(word(input, "01")) - Number(expected.shunt_mv));
    expect(off).toBeLessThanOrEqual(Number(tolerance));
  },
);

describe("INA226", () => {
  test("is identified, keeps its settings, and reads 11.98 V, 10 A and 119.8 W", async () => {
    const settings = [reg(0x00, "4527"), reg(0x05, "0a00")];
    const device = scriptedI2c([
      reg(0xfe, "5449"),
      reg(0xff, "2260"),
      { write: [0x00, 0x45, 0x27] },
      { write: [0x05, 0x0a, 0x00] },
      ...settings,
      ...settings,
      reg(0x01, "1f40"),
      reg(0x02, "2570"),
      reg(0x04, "2710"),
      reg(0x03, "12b8"),
      reg(0x06, "0000"),
    ]);
    await ina226.start?.(device, OPTIONS);
    const { voltage, current, power } = await ina226.read(device, OPTIONS);
    expect(voltage).toBeCloseTo(11.98, 5);
    expect(current).toBeCloseTo(10, 5);
    expect(power).toBeCloseTo(119.8, 5);
  });

  test("an HDC1080 at its address is refused", async () => {
    const device = scriptedI2c([reg(0xfe, "5449"), reg(0xff, "1050")]);
    await expect(ina226.start?.(device, OPTIONS)).rejects.toMatchObject({ reason: "identity" });
  });

  test.each([
    ["an overflow", { shunt: 1, flags: 0x0004 }],
    ["a shunt voltage at the end of the scale", { shunt: 0x7fff, flags: 0 }],
    ["one at the other end", { shunt: 0x8000, flags: 0 }],
  ])("after %s only the voltage is sound", (_, state) => {
    const values = decodeIna226({ bus: 9_584, current: 1, power: 1, ...state }, 0.001);
    expect(values.voltage).toBeCloseTo(11.98, 5);
    expect(values.current).toMatchObject({ reason: "range" });
    expect(values.power).toMatchObject({ reason: "range" });
  });

  test.each(vectorsOf("INA226").filter(({ config }) => !config.identify))(
    "vector $id",
    ({ input, config, expected, tolerance }) => {
      const registers = {
        shunt: word(input, "01"),
        bus: word(input, "02"),
        current: word(input, "04"),
        power: word(input, "03"),
        flags: 0,
      };
      const values = decodeIna226(registers, Number(config.current_lsb_a));
      expectPower(values, expected, tolerance);
    },
  );
});

describe("INA228", () => {
  const options = { shuntOhm: 0.01, maxA: 10 }; // 100 mV: the high range
  const settings = [reg(0x00, "0000"), reg(0x01, "fb6a"), reg(0x02, "09c4")];

  test("is identified, keeps its settings, and reads 48 V, −10 A, 480 W and 25 °C", async () => {
    const device = scriptedI2c([
      reg(0x3e, "5449"),
      reg(0x3f, "2281"),
      { write: [0x00, 0x00, 0x00] },
      { write: [0x01, 0xfb, 0x6a] },
      { write: [0x02, 0x09, 0xc4] },
      ...settings,
      ...settings,
      reg(0x04, "400000"),
      reg(0x06, "0c80"),
      reg(0x05, "3c0000"),
      reg(0x07, "800000"),
      reg(0x08, "780000"),
      reg(0x0b, "0001"),
    ]);
    await ina228.start?.(device, options);
    const values = await ina228.read(device, options);
    expect(values).toEqual({ voltage: 48, current: -10, power: 480, die: 25 });
  });

  test("a small shunt voltage is measured in the low range, with four times the calibration", async () => {
    const device = scriptedI2c([
      reg(0x3e, "5449"),
      reg(0x3f, "2280"),
      { write: [0x00, 0x00, 0x10] },
      { write: [0x01, 0xfb, 0x6a] },
      { write: [0x02, 0x09, 0xc4] },
      reg(0x00, "0010"),
      reg(0x01, "fb6a"),
      reg(0x02, "09c4"),
    ]);
    await ina228.start?.(device, { shuntOhm: 0.0025, maxA: 10 });
    expect(device.left()).toBe(0);
  });

  test.each(vectorsOf("INA228"))("vector $id", ({ input, config, expected, tolerance }) => {
    const held = input as Record<string, string>;
    const values = decodeIna228(
      {
        shunt: hexBytes(held["04"] ?? "000000"),
        die: hexBytes(held["06"] ?? "0000"),
        bus: hexBytes(held["05"] ?? "000000"),
        current: hexBytes(held["07"] ?? "000000"),
        power: hexBytes(held["08"] ?? "000000"),
        flags: 0,
      },
      Number(config.current_lsb_a),
    );
    expectPower(values, expected, tolerance);
  });
});

describe("INA3221", () => {
  test("is identified, set up, and reads three lines", async () => {
    const device = scriptedI2c([
      reg(0xfe, "5449"),
      reg(0xff, "3220"),
      { write: [0x00, 0x75, 0x27] },
      reg(0x00, "7527"),
      reg(0x00, "7527"),
      reg(0x01, "1388"),
      reg(0x02, "2ee0"),
      reg(0x03, "ec78"),
      reg(0x04, "1388"),
      reg(0x05, "7ff8"),
      reg(0x06, "0000"),
    ]);
    const options = { shuntOhm1: 0.1, shuntOhm2: 0.1, shuntOhm3: 0.01 };
    await ina3221.start?.(device, options);
    const values = await ina3221.read(device, options);
    expect(values["voltage-1"]).toBeCloseTo(12, 5);
    expect(values["power-1"]).toBeCloseTo(3, 5);
    expect(values["current-2"]).toBeCloseTo(-0.25, 5);
    expect(values["current-3"]).toMatchObject({ reason: "range" });
    expect(values["voltage-3"]).toBe(0);
  });

  test.each(vectorsOf("INA3221"))("vector $id", ({ input, config, expected, tolerance }) => {
    const n = "01" in (input as object) ? 1 : 2;
    const [shunt, bus] = [word(input, `0${2 * n - 1}`), word(input, `0${2 * n}`)];
    const { voltage, current, power } = decodeLine(shunt, bus, Number(config.shunt_ohm));
    const wanted = {
      bus_v: `ch${n}_bus_v`,
      current_a: `ch${n}_current_a`,
      power_w: `ch${n}_power_w`,
    };
    const renamed = Object.fromEntries(
      Object.entries(wanted).flatMap(([name, key]) =>
        key in expected ? [[name, expected[key]]] : [],
      ),
    );
    expectPower({ voltage, current, power }, renamed, tolerance);
  });
});

test.each([
  [ina219, { shuntOhm: 0.1, maxA: 4 }],
  [ina226, { shuntOhm: 0.01, maxA: 10 }],
  [ina228, { shuntOhm: 0.01, maxA: 20 }],
  [ina219, { shuntOhm: 0.1 }],
  [ina219, { shuntOhm: 0, maxA: 3 }],
  [ina219, { shuntOhm: 0.00001, maxA: 0.01 }],
])("options that the chip cannot measure are refused", ({ optionsSchema }, written) => {
  expect(optionsSchema?.safeParse(written).success).toBe(false);
});

const word = (input: unknown, register: string): number =>
  Number.parseInt((input as Record<string, string>)[register] ?? "0", 16);

function expectPower(
  values: Record<string, unknown>,
  expected: Record<string, unknown>,
  tolerance: Vector["tolerance"],
): void {
  const names = { bus_v: "voltage", current_a: "current", power_w: "power" };
  let compared = 0;
  for (const [key, name] of Object.entries(names))
    if (key in expected) {
      compared += 1;
      const off = Math.abs(Number(values[name]) - Number(expected[key]));
      expect(off, key).toBeLessThanOrEqual(Number(tolerance));
    }
  expect(compared).toBeGreaterThan(0);
}
