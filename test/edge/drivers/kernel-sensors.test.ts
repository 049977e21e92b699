import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { hwmon } from "../../../edge/drivers/hwmon.ts";
import { iio } from "../../../edge/drivers/iio.ts";
import { vectorsOf } from "../vectors.ts";

/** A sensor with these attributes and no others. */
const attributes = (held: Record<string, string>) => async (name: string) => {
  const text = held[name];
  if (text === undefined) throw new DeviceError("unsupported", `no ${name}`);
  return text;
};

test.each([
  ["hwmon", hwmon, "temp1", { temp1_input: "48312\n" }, 48.312],
  ["hwmon", hwmon, "humidity1", { humidity1_input: "41200\n" }, 41.2],
  ["hwmon", hwmon, "in1", { in1_input: "11980\n", in1_fault: "0\n" }, 11.98],
  ["hwmon", hwmon, "power1", { power1_input: "119800000\n" }, 119.8],
  ["hwmon", hwmon, "fan2", { fan2_input: "1200\n" }, 1_200],
  ["iio", iio, "temp", { in_temp_input: "25080\n" }, 25.08],
  ["iio", iio, "pressure", { in_pressure_input: "100.653270\n" }, 100_653.27],
  [
    "iio",
    iio,
    "temp",
    { in_temp_raw: "25739\n", in_temp_scale: "2.670332\n", in_temp_offset: "-16852\n" },
    23.731,
  ],
  ["iio", iio, "voltage1", { in_voltage1_raw: "16384\n", in_voltage_scale: "0.125\n" }, 2.048],
  [
    "iio",
    iio,
    "concentration_co2",
    { in_concentration_co2_raw: "556", in_concentration_co2_scale: "0.000100000" },
    556,
  ],
])("%s reads %s %s from %j as %s", async (_, driver, channel, held, value) => {
  expect(await driver.read(attributes(held), channel)).toBeCloseTo(value, 2);
});

test.each([
  [
    "a sensor that the kernel reports as open",
    hwmon,
    "temp1",
    { temp1_input: "48312", temp1_fault: "1\n" },
    "wire",
  ],
  ["an empty file", hwmon, "temp1", { temp1_input: "\n" }, "not-available"],
  ["no number", hwmon, "temp1", { temp1_input: "0x1f\n" }, "checksum"],
  ["a channel the sensor does not have", hwmon, "temp2", { temp1_input: "48312" }, "unsupported"],
  ["a channel nobody has", hwmon, "temp99", {}, "unsupported"],
  ["a raw value without a scale", iio, "voltage0", { in_voltage0_raw: "1" }, "unsupported"],
  [
    "−127 °C, a thermometer that is not connected",
    hwmon,
    "temp1",
    { temp1_input: "-127000" },
    "range",
  ],
])("%s gives no value", async (_, driver, channel, held, reason) => {
  await expect(driver.read(attributes(held), channel)).rejects.toMatchObject({ reason });
});

test.each(vectorsOf("DS18B20").filter(({ config }) => config.file === "temperature"))(
  "vector $id in thousandths of a degree",
  async ({ input, expected, tolerance }) => {
    const value = hwmon.read(attributes({ temp1_input: String(input) }), "temp1");
    if (expected.error) return expect(value).rejects.toMatchObject({ reason: "range" });
    expect(Math.abs((await value) - Number(expected.temperature_c))).toBeLessThanOrEqual(
      Number(tolerance),
    );
  },
);

describe.each([hwmon, iio])("kernel driver $model", (driver) => {
  test("knows the quantity of every channel", () => {
    for (const quantity of Object.values(driver.channels))
      expect(QUANTITIES).toHaveProperty(quantity);
  });

  test("turns any text into a finite number or a DeviceError", async () => {
    const channel = fc.constantFrom(...Object.keys(driver.channels), "nothing");
    const text = fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String));
    await fc.assert(
      fc.asyncProperty(channel, text, text, async (name, one, other) => {
        const read = async (attribute: string) => (attribute.endsWith("scale") ? other : one);
        try {
          expect(Number.isFinite(await driver.read(read, name))).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceError);
        }
      }),
    );
  });
});
