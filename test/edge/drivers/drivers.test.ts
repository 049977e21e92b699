import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import type { I2cDevice } from "../../../edge/drivers/driver.ts";
import { DRIVERS, ONE_WIRE_DRIVERS, oneWireDriverFor } from "../../../edge/drivers/index.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";

test.each(vectorsOf("crc8-sensirion"))("Sensirion CRC-8 of $input", ({ input, expected }) => {
  expect(sensirionCrc8(hexBytes(input))).toBe(expected.crc);
});

/** A chip that answers every read with the same bytes, over and over. */
const babbling = (bytes: Uint8Array): I2cDevice => {
  const give = async (length: number) =>
    Uint8Array.from({ length }, (_, i) => bytes[i % Math.max(bytes.length, 1)] ?? 0);
  return {
    write: async () => undefined,
    read: give,
    writeRead: (_, length) => give(length),
    pause: async () => undefined,
  };
};

describe.each([...DRIVERS.values()])("driver $model", (driver) => {
  test("has legal addresses and known quantities", () => {
    expect(driver.addresses.length).toBeGreaterThan(0);
    for (const address of driver.addresses) {
      expect(address).toBeGreaterThanOrEqual(0x08);
      expect(address).toBeLessThanOrEqual(0x77);
    }
    for (const quantity of Object.values(driver.channels))
      expect(QUANTITIES).toHaveProperty(quantity);
  });

  test("turns any bytes into finite numbers or a DeviceError, never into anything else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        try {
          const values = await driver.read(babbling(bytes));
          expect(Object.keys(values).sort()).toEqual(Object.keys(driver.channels).sort());
          for (const value of Object.values(values)) expect(Number.isFinite(value)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceError);
        }
      }),
    );
  });

  test("gives no value when a dead bus reads all ones", async () => {
    await expect(driver.read(babbling(Uint8Array.of(0xff)))).rejects.toThrow(DeviceError);
  });
});

describe.each([...ONE_WIRE_DRIVERS.values()])("1-Wire driver $model", (driver) => {
  test("turns any text into a number from −55 to 125 °C or a DeviceError", () => {
    const byte = fc.integer({ min: 0, max: 255 }).map((b) => b.toString(16).padStart(2, "0"));
    const line = fc
      .tuple(fc.array(byte, { minLength: 8, maxLength: 10 }), fc.constantFrom("YES", "NO"))
      .map(([bytes, verdict]) => `${bytes.join(" ")} : crc=${bytes.at(-1)} ${verdict}\n`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), line), (text) => {
        try {
          const value = driver.decode(text);
          expect(value >= -55 && value <= 125).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(DeviceError);
        }
      }),
    );
  });

  test("is found by its family code", () => {
    expect(oneWireDriverFor(`${driver.family}-000000000a01`)).toBe(driver);
    expect(oneWireDriverFor("7e-000000000a01")).toBeUndefined();
  });
});
