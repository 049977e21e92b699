import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { QUANTITIES } from "../../../contract/quantity.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import type { AnyI2cDriver, I2cDevice } from "../../../edge/drivers/driver.ts";
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

/** What registers must hold for a chip to be taken for itself; then its values are read too. */
const IDENTITY: Record<string, Record<number, number[]>> = {
  bme280: { 208: [0x60], 243: [0x00, 0x24] },
  bmp280: { 208: [0x58], 243: [0x00, 0x24] },
  hdc1080: { 254: [0x54, 0x49], 255: [0x10, 0x50] },
  ina226: { 254: [0x54, 0x49], 255: [0x22, 0x60] },
  ina228: { 62: [0x54, 0x49], 63: [0x22, 0x81] },
  ina3221: { 254: [0x54, 0x49], 255: [0x32, 0x20] },
  mcp9808: { 6: [0x00, 0x54], 7: [0x04, 0x00] },
  tmp117: { 15: [0x01, 0x17] },
};
/** Commands whose answer must be this word for the chip to be taken for itself. */
const COMMANDS: Record<string, number[]> = {
  "hdc302x:55,129": [0x30, 0x00],
  "hdc302x:243,45": [0x00, 0x00],
  "sdp3x:225,2": [0x03, 0x01],
  "shtc3:239,200": [0x08, 0x07],
};

/** A chip with the right identity and sound checksums that keeps its settings; its values are `bytes`. */
const mimic = (driver: AnyI2cDriver, bytes: Uint8Array): I2cDevice => {
  const registers = new Map<number, number[]>(
    Object.entries(IDENTITY[driver.model] ?? {}).map(([at, held]) => [Number(at), held]),
  );
  const babble = babbling(bytes);
  let command = "";
  const frame = async (length: number) => {
    const values = [...(await babble.read(length))];
    values.splice(0, 2, ...(COMMANDS[`${driver.model}:${command}`] ?? values.slice(0, 2)));
    if (driver.model === "aht20") {
      values[0] = (values[0] ?? 0) & 0x7f;
      values[6] = sensirionCrc8(values.slice(0, 6));
    } else if (length % 3 === 0)
      for (let i = 2; i < length; i += 3) values[i] = sensirionCrc8(values.slice(i - 2, i));
    return Uint8Array.from(values);
  };
  return {
    write: async (written) => {
      command = String(written);
      const [register = 0, ...held] = written;
      if (held.length > 0 && !IDENTITY[driver.model]?.[register]) registers.set(register, held);
    },
    read: frame,
    writeRead: async (written, length) => {
      command = String(written);
      const held = registers.get(written[0] ?? 0);
      return held?.length === length ? Uint8Array.from(held) : babble.read(length);
    },
    pause: async () => undefined,
  };
};

function exampleOptions(driver: AnyI2cDriver): unknown {
  const examples = driver.optionsSchema?.meta()?.examples;
  return driver.optionsSchema?.parse(Array.isArray(examples) ? examples[0] : {});
}

/** Everything that may be said of a chip's answer: finite numbers, flags that are flags, or an honest failure. */
async function expectHonest(driver: AnyI2cDriver, device: I2cDevice): Promise<boolean> {
  const options = exampleOptions(driver);
  try {
    await driver.start?.(device, options);
    const values = await driver.read(device, options);
    expect(Object.keys(values).sort()).toEqual(Object.keys(driver.channels).sort());
    for (const [channel, value] of Object.entries(values)) {
      if (value instanceof DeviceError) continue;
      expect(Number.isFinite(value)).toBe(true);
      if (driver.channels[channel] === "flag") expect([0, 1]).toContain(value);
      if (driver.channels[channel] === "humidity") expect(value >= 0 && value <= 100).toBe(true);
      if (driver.channels[channel] === "temperature")
        expect(value >= -55 && value <= 150).toBe(true);
    }
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(DeviceError);
    return false;
  }
}

describe.each([...DRIVERS.values()])("driver $model", (driver) => {
  test("has legal addresses and known quantities", () => {
    expect(driver.addresses.length).toBeGreaterThan(0);
    for (const address of driver.addresses) {
      expect(address).toBeGreaterThanOrEqual(0x08);
      expect(address).toBeLessThanOrEqual(0x77);
    }
    const told = driver.channelsWith?.(exampleOptions(driver)) ?? {};
    for (const quantity of [...Object.values(driver.channels), ...Object.values(told)])
      expect(QUANTITIES).toHaveProperty(String(quantity));
  });

  test("turns any bytes into finite numbers or a DeviceError, never into anything else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async (bytes) => {
        await expectHonest(driver, babbling(bytes));
      }),
    );
  });

  test("gives a value, or honestly none, for any bytes with its identity and sound checksums", async () => {
    let read = 0;
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 16, maxLength: 64 }), async (bytes) => {
        if (await expectHonest(driver, mimic(driver, bytes))) read += 1;
      }),
    );
    expect(read).toBeGreaterThan(0);
  });

  // A PCF8574 has nothing to know it by but that it acknowledges, which a dead bus does not.
  if (driver.model !== "pcf8574")
    test("gives no value when a dead bus reads all ones", async () => {
      const dead = babbling(Uint8Array.of(0xff));
      await expect(driver.read(dead, exampleOptions(driver))).rejects.toThrow(DeviceError);
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
