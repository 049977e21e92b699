import fc from "fast-check";
import { expect, test } from "vitest";
import type { Clock } from "../../../contract/clock.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { type ChipFinding, scanI2c } from "../../../edge/commission/scan-i2c.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import {
  bytesAt,
  type FakeChip,
  FakeI2c,
  framed,
  latch,
  registers,
  sensirion,
} from "./fake-bus.ts";

/** Time that passes by itself. */
const clock: Clock = { nowMs: () => 0, monoMs: () => 0, sleep: async () => undefined };

const TI = 0x5449;
const ahtFrame = [0x1c, 0x7f, 0x12, 0x35, 0x9a, 0xbc];

const STORIES: [name: string, address: number, chip: FakeChip, is: object][] = [
  ["a TMP117 of any revision", 0x48, registers({ 15: 0x3117 }), { is: "known", model: "tmp117" }],
  ["an MCP9808", 0x18, registers({ 6: 0x54, 7: 0x0400 }), { is: "known", model: "mcp9808" }],
  ["an SHT31 by its status", 0x44, sensirion({ f32d: [0x8010] }), { model: "sht31" }],
  [
    "an HDC302x, not an SHT31",
    0x44,
    sensirion({ f32d: [0x8010], "3781": [0x3000] }),
    { model: "hdc302x" },
  ],
  [
    "an SHT4x by its serial number",
    0x44,
    sensirion({ "89": [0x1234, 0x5678] }),
    { model: "sht4x" },
  ],
  ["an SCD4x", 0x62, sensirion({ e4b8: [0x8000] }), { model: "scd4x" }],
  ["a BME280", 0x76, bytesAt({ 208: 0x60 }), { model: "bme280" }],
  ["a BMP280 on a board sold as BME280", 0x77, bytesAt({ 208: 0x58 }), { model: "bmp280" }],
  [
    "an INA226 at an address of SHT31",
    0x44,
    registers({ 254: TI, 255: 0x2260 }),
    { model: "ina226" },
  ],
  ["an INA228", 0x40, registers({ 62: TI, 63: 0x2281 }), { model: "ina228" }],
  ["an INA3221", 0x41, registers({ 254: TI, 255: 0x3220 }), { model: "ina3221" }],
  [
    "an HDC1080 where an INA could be",
    0x40,
    registers({ 254: TI, 255: 0x1050 }),
    { model: "hdc1080" },
  ],
  ["an SHTC3, which sleeps", 0x70, sensirion({ efc8: [0x0887] }), { model: "shtc3" }],
  [
    "an idle SDP3x by its product number",
    0x25,
    sensirion({ e102: [0x0301, 0x0287] }),
    { model: "sdp3x" },
  ],
  [
    "an AHT20 by the check byte of its last frame",
    0x38,
    { read: () => [...ahtFrame, sensirionCrc8(ahtFrame)] },
    { model: "aht20" },
  ],
  [
    "an ADS1115 after power-up, as likely",
    0x49,
    registers({ 1: 0x8583, 2: 0x8000, 3: 0x7fff }, 3),
    { is: "like", models: ["ads1115"] },
  ],
  [
    "an LM75, as likely",
    0x4f,
    registers({ 1: 0x00ff, 2: 0x4b00, 3: 0x5000 }, 3),
    { is: "like", models: ["lm75"] },
  ],
  [
    "a TMP102, as likely as an LM75",
    0x48,
    registers({ 1: 0x60a0, 2: 0x4b00, 3: 0x5000 }, 3),
    { is: "like", models: ["tmp102", "lm75"] },
  ],
  [
    "an unknown chip at 0x48",
    0x48,
    registers({ 0: 0x1234 }, 3),
    {
      is: "unknown",
      tried: ["ina226", "ina228", "tmp117", "ads1115", "tmp102", "lm75", "ina219"],
      usual: [],
    },
  ],
  [
    "something at an address nobody claims",
    0x5a,
    { read: () => [7] },
    { is: "unknown", tried: [], usual: [] },
  ],
  ["an I/O expander", 0x20, latch(0xff), { is: "unknown", usual: ["mcp23017", "pcf8574"] }],
  ["a multiplexer", 0x71, latch(0), { is: "unknown", usual: ["tca9548a"] }],
];

test.each(STORIES)("finds %s", async (_name, address, chip, is) => {
  const found = await scanI2c(new FakeI2c({ [address]: chip }), clock);
  expect(found).toEqual([expect.objectContaining({ address, ...is })]);
});

test("nothing is written to expanders, multiplexers and EEPROMs, and a multiplexer at 0x77 keeps its channels", async () => {
  const mux = latch(0b101);
  const expander = latch(0b1100);
  const eeprom: FakeChip = { write: () => true, read: () => [0] };
  const bus = new FakeI2c({ 32: expander, 56: expander, 80: eeprom, 112: latch(3), 119: mux });
  const found = await scanI2c(bus, clock);
  for (const address of [0x20, 0x38, 0x50, 0x70]) expect(bus.written.get(address)).toBeUndefined();
  expect([mux.value, expander.value]).toEqual([0b101, 0b1100]);
  expect(found.map(({ address, is }) => [address, is])).toEqual([
    [0x20, "unknown"],
    [0x38, "unknown"],
    [0x70, "unknown"],
    [0x77, "unknown"],
  ]);
});

test("an SHT4x is never told to heat: no word that begins with one of its heater commands is said to 0x44", async () => {
  const bus = new FakeI2c({ 68: sensirion({ "89": [1, 2] }) });
  await scanI2c(bus, clock);
  const heats = [0x39, 0x32, 0x2f, 0x24, 0x1e, 0x15, 0x94];
  expect(bus.written.get(0x44)?.filter(([first = 0]) => heats.includes(first))).toEqual([]);
});

test("an address that the kernel holds is named, and the others are still looked at", async () => {
  const bus = new FakeI2c({ 72: registers({ 15: 0x0117 }) });
  bus.fails = (address) =>
    address >= 0x40 && address < 0x48
      ? new DeviceError("bus", "a kernel driver owns this address (EBUSY)")
      : undefined;
  const found = await scanI2c(bus, clock);
  expect(found.filter(({ is }) => is === "kernel")).toHaveLength(8);
  expect(found.at(-1)).toEqual({ address: 0x48, is: "known", model: "tmp117" });
});

test("a stuck bus is given up after 3 faults", async () => {
  const bus = new FakeI2c({});
  let asked = 0;
  bus.fails = () => {
    asked += 1;
    return new DeviceError("bus", "stuck (ETIMEDOUT)");
  };
  await expect(scanI2c(bus, clock)).rejects.toThrow("stuck");
  expect(asked).toBe(3);
});

test("whatever bytes a chip gives, each address has one finding or none, and nothing is thrown", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(255), { minLength: 1, maxLength: 40 }), async (bytes) => {
      let at = 0;
      const noise: FakeChip = {
        write: () => true,
        read: (length) => Array.from({ length }, () => bytes[at++ % bytes.length] ?? 0),
      };
      const chips = Object.fromEntries(Array.from({ length: 128 }, (_, i) => [i, noise]));
      const found = await scanI2c(new FakeI2c(chips), clock);
      const addresses = found.map(({ address }: ChipFinding) => address);
      expect(new Set(addresses).size).toBe(addresses.length);
    }),
    { numRuns: 50 },
  );
});

test("a frame helper gives what the datasheet prints: BEEF has the check byte 92", () => {
  expect(framed(0xbeef)).toEqual([0xbe, 0xef, 0x92]);
});
