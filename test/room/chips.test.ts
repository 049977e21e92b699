import { readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { dallasCrc8, w1SlaveText } from "./chips/ds18b20.ts";
import { Sht3x, sensirionCrc8 } from "./chips/sht3x.ts";
import { Tmp117 } from "./chips/tmp117.ts";

interface Vector {
  id: string;
  input: string;
  expected: Record<string, number>;
}
const vectors = JSON.parse(
  readFileSync(new URL("../vectors.json", import.meta.url), "utf8"),
) as Vector[];
const vector = (id: string) => vectors.find((candidate) => candidate.id === id)!;
const hex = (bytes: Uint8Array | undefined) => bytes && Buffer.from(bytes).toString("hex");
const send = (text: string) => Buffer.from(text, "hex");

function sht3x(temperatureC: number, humidityRh: number) {
  const time = { ms: 1_000 };
  const spoilt = { temperature: false, humidity: false };
  const chip = new Sht3x(
    {
      monoMs: () => time.ms,
      temperatureC: () => temperatureC,
      humidityRh: () => humidityRh,
      corrupt: () => spoilt,
    },
    0x0102_0304,
  );
  return { chip, time, spoilt };
}

function tmp117(start = 25) {
  const state = { ms: 0, temperatureC: start };
  const chip = new Tmp117({ monoMs: () => state.ms, temperatureC: () => state.temperatureC });
  const register = (pointer: number) => {
    chip.write(Uint8Array.of(pointer));
    return hex(chip.read(2));
  };
  return { chip, state, register };
}

describe("SHT3x", () => {
  test.each(["SHT3x-02", "SHT3x-03", "SHT3x-04", "SHT3x-06"])("sends the bytes of %s", (id) => {
    const { input, expected } = vector(id);
    const { chip, time } = sht3x(expected.temperature_c!, expected.humidity_pct!);
    expect(chip.write(send("2400"))).toBe(true);
    time.ms += 16;
    expect(hex(chip.read(6))).toBe(input);
  });

  test("does not acknowledge a read before 15.5 ms, a second read, or a command while measuring", () => {
    const { chip, time } = sht3x(20, 50);
    expect(chip.read(6)).toBeUndefined();
    chip.write(send("2400"));
    time.ms += 15;
    expect(chip.read(6)).toBeUndefined();
    expect(chip.write(send("2400"))).toBe(false);
    time.ms += 1;
    expect(chip.read(6)).toHaveLength(6);
    expect(chip.read(6)).toBeUndefined();
  });

  test("after power-up its status is 0x8010 with check byte 0xE1, and clear on command", () => {
    const { chip } = sht3x(20, 50);
    chip.write(send("f32d"));
    expect(hex(chip.read(3))).toBe(vector("SHT3x-10").input);
    chip.write(send("3041"));
    chip.write(send("f32d"));
    expect(hex(chip.read(3))).toBe("000081");
  });

  test("tells its serial number, flags an unknown command and forgets everything on reset", () => {
    const { chip } = sht3x(20, 50);
    chip.write(send("3780"));
    expect(hex(chip.read(6))?.slice(0, 4)).toBe("0102");
    chip.write(send("3041"));
    chip.write(send("1234"));
    chip.write(send("f32d"));
    expect(hex(chip.read(2))).toBe("0002");
    chip.write(send("30a2"));
    chip.write(send("f32d"));
    expect(hex(chip.read(2))).toBe("8010");
  });

  test("spoils exactly one check byte when told to", () => {
    const { chip, time, spoilt } = sht3x(20, 50);
    spoilt.humidity = true;
    chip.write(send("2400"));
    time.ms += 16;
    const [a, b, crcT, c, d, crcH] = chip.read(6)!;
    expect(sensirionCrc8([a!, b!])).toBe(crcT);
    expect(sensirionCrc8([c!, d!])).not.toBe(crcH);
  });

  test.each(["01", "03", "04", "09"])("its check code gives crc8-sensirion-%s", (number) => {
    const { input, expected } = vector(`crc8-sensirion-${number}`);
    expect(sensirionCrc8(send(input))).toBe(expected.crc);
  });
});

describe("TMP117", () => {
  test.each(["TMP117-02", "TMP117-04", "TMP117-05", "TMP117-06", "TMP117-09", "TMP117-10"])(
    "sends the bytes of %s",
    (id) => {
      const { input, expected } = vector(id);
      const { state, register } = tmp117(expected.temperature_c);
      state.ms = 130;
      expect(register(0)).toBe(input);
    },
  );

  test("shows 0x8000 until 125 ms after power-up, and again after a reset", () => {
    const { chip, state, register } = tmp117();
    state.ms = 124;
    expect(register(0)).toBe("8000");
    state.ms = 126;
    expect(register(0)).toBe("0c80");
    chip.reset();
    expect(register(0)).toBe("8000");
  });

  test("converts once a second, whatever happens to the air in between", () => {
    const { state, register } = tmp117(25);
    state.ms = 200;
    register(0);
    state.temperatureC = 30;
    state.ms = 1_000;
    expect(register(0)).toBe("0c80");
    state.ms = 1_200;
    expect(register(0)).toBe("0f00");
  });

  test("says 0x0117 in register 0x0F, and data ready once per conversion", () => {
    const { state, register } = tmp117();
    expect(register(0x0f)).toBe(vector("TMP117-13").input);
    expect(register(1)).toBe("0220");
    state.ms = 200;
    expect(register(1)).toBe("2220");
    expect(register(1)).toBe("0220");
  });

  test("measures once on one-shot and then keeps its value in shutdown", () => {
    const { chip, state, register } = tmp117(25);
    chip.write(send("010c00"));
    state.ms = 16;
    expect(register(0)).toBe("0c80");
    state.temperatureC = 40;
    state.ms = 5_000;
    expect(register(0)).toBe("0c80");
  });
});

describe("DS18B20", () => {
  test("prints what a real one printed at 20.6875 °C", () => {
    expect(w1SlaveText(20.6875)).toBe(vector("DS18B20-02").input);
  });

  test("says NO when damaged, though t= is still there", () => {
    const text = w1SlaveText(20.6875, true);
    expect(text).toMatch(/crc=e1 NO\n/);
    expect(text).toMatch(/ t=20687\n/);
  });

  test("a genuine 85 °C has byte 6 = 0x10, unlike the power-on value with 0x0C", () => {
    expect(w1SlaveText(85)).toMatch(/^50 05 4b 46 7f ff 10 10 /);
  });

  test("any temperature from −55 to 125 °C gives a scratchpad whose check byte is right and whose t is within 1/16 K", () => {
    fc.assert(
      fc.property(fc.double({ min: -55, max: 125, noNaN: true }), (temperatureC) => {
        const text = w1SlaveText(temperatureC);
        const bytes = text
          .split(" ")
          .slice(0, 9)
          .map((byte) => Number.parseInt(byte, 16));
        expect(dallasCrc8(bytes)).toBe(0);
        const raw = new Int16Array([bytes[0]! | (bytes[1]! << 8)])[0]!;
        expect(Math.abs(raw / 16 - temperatureC)).toBeLessThanOrEqual(1 / 16);
        const thousandths = Number(/t=(-?\d+)/.exec(text)?.[1]);
        expect(Math.abs(thousandths / 1_000 - raw / 16)).toBeLessThan(0.001);
      }),
    );
  });
});
