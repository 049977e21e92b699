import { describe, expect, test } from "vitest";
import { offNormal } from "../../../edge/drivers/contacts.ts";
import { decodeLevels, isReset, mcp23017 } from "../../../edge/drivers/mcp23017.ts";
import { pcf8574 } from "../../../edge/drivers/pcf8574.ts";
import { hexBytes, vectorsOf } from "../vectors.ts";
import { scriptedI2c } from "./scripted-device.ts";

const SET_UP = "ffff00000000000000000000ffff";
const NORMALLY_CLOSED = { normallyOpen: [] };

describe("MCP23017", () => {
  test("is set up with pull-ups, checked, and gives 1 for each contact that opened", async () => {
    const device = scriptedI2c([
      { write: [0x00, ...hexBytes(SET_UP)] },
      { writeRead: [0x00], gives: hexBytes(SET_UP) },
      { writeRead: [0x00], gives: hexBytes(SET_UP) },
      { writeRead: [0x12], gives: hexBytes("0180") },
    ]);
    await mcp23017.start?.(device, NORMALLY_CLOSED);
    const flags = await mcp23017.read(device, NORMALLY_CLOSED);
    const raised = Object.entries(flags).flatMap(([name, flag]) => (flag === 1 ? [name] : []));
    expect(raised).toEqual(["a0", "b7"]);
    expect(Object.keys(flags)).toHaveLength(16);
  });

  test("after a reset its inputs float, so that they say nothing", async () => {
    const device = scriptedI2c([
      { writeRead: [0x00], gives: hexBytes("ffff000000000000000000000000") },
    ]);
    await expect(mcp23017.read(device, NORMALLY_CLOSED)).rejects.toMatchObject({ reason: "reset" });
  });

  test("a normally open contact is 1 when it closes", () => {
    const flags = offNormal(0b10, ["a0", "a1", "a2"], { normallyOpen: ["a0", "a1"] });
    expect(flags).toEqual({ a0: 1, a1: 0, a2: 0 });
  });

  test.each(vectorsOf("MCP23017"))("vector $id", ({ input, expected }) => {
    const held = input as Record<string, string>;
    if (expected.powerOnReset) {
      const registers = new Uint8Array(14);
      for (const [at, byte] of Object.entries(held))
        registers[Number.parseInt(at, 16)] = Number.parseInt(byte, 16);
      return expect(isReset(registers)).toBe(true);
    }
    const levels = decodeLevels(hexBytes(`${held["12"]}${held["13"] ?? "ff"}`));
    const bits = (from: number) => Array.from({ length: 8 }, (_, i) => (levels >> (from + i)) & 1);
    if (expected.gpa) expect([bits(0), bits(8)]).toEqual([expected.gpa, expected.gpb]);
    if (expected.closedContacts)
      expect(bits(0).flatMap((bit, i) => (bit === 0 ? [i] : []))).toEqual(expected.closedContacts);
  });
});

describe("PCF8574", () => {
  test.each(vectorsOf("PCF8574"))("vector $id", async ({ input, expected }) => {
    const device = scriptedI2c([{ write: [0xff] }, { read: hexBytes(input) }]);
    const flags = await pcf8574.read(device, { normallyOpen: [] });
    expect(Object.values(flags)).toEqual(expected.bits);
  });
});

test("an input the chip does not have is refused", () => {
  expect(mcp23017.optionsSchema?.safeParse({ normallyOpen: ["c0"] }).success).toBe(false);
  expect(pcf8574.optionsSchema?.parse({})).toEqual({ normallyOpen: [] });
});
