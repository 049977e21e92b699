import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { loadProfile } from "../../edge/profiles/load.ts";
import { RegisterBank } from "./modbus/bank.ts";
import { ModbusDevice } from "./modbus/device.ts";
import { crcBytes, serveModbusRtu } from "./modbus/rtu-slave.ts";

interface Vector {
  id: string;
  input: string;
  expected: { crcOk?: boolean };
}
const frames = (
  JSON.parse(readFileSync(new URL("../vectors.json", import.meta.url), "utf8")) as Vector[]
).filter(({ id }) => id.startsWith("modbus-rtu-frame"));

/** 230.2 V as the meter's document spells it: one step above the nearest 32-bit float. */
const VOLTS = Buffer.from("43663334", "hex").readFloatBE();

/** A line whose master sends these pieces; resolves to everything the slave said. */
async function conversation(pieces: string[]): Promise<string> {
  const device = new ModbusDevice(
    "m",
    1,
    new RegisterBank(loadProfile("eastron-sdm630"), () => VOLTS),
  );
  const input = new PassThrough();
  const said: string[] = [];
  const served = serveModbusRtu(
    {
      path: "",
      input,
      write: (bytes) => said.push(Buffer.from(bytes).toString("hex")),
      close: () => Promise.resolve(),
    },
    [device],
    () => Promise.resolve(),
  );
  for (const piece of pieces) {
    input.write(Buffer.from(piece, "hex"));
    await new Promise((resolve) => setImmediate(resolve));
  }
  input.end();
  await served;
  return said.join(" ");
}

const READ = "010400000002";
const ASK = READ + crcBytes(Buffer.from(READ, "hex")).toString("hex");
const REPLY = `01040443663334${crcBytes(Buffer.from("01040443663334", "hex")).toString("hex")}`;

test.each(frames.map(({ id, input, expected }) => [id, input, expected.crcOk ?? true] as const))(
  "its check code agrees with %s",
  (_id, input, sound) => {
    const bytes = Buffer.from(input, "hex");
    expect(crcBytes(bytes.subarray(0, -2)).equals(bytes.subarray(-2))).toBe(sound);
  },
);

test.each([
  ["a whole request", [ASK], REPLY],
  ["a request byte by byte", ASK.match(/../g) ?? [], REPLY],
  ["a request after noise", [`ff00fe${ASK}`], REPLY],
  ["two requests in one piece", [ASK + ASK], `${REPLY} ${REPLY}`],
  ["a damaged request, then a sound one", ["0104000000027100", ASK], REPLY],
  ["another unit's request, then ours", [`020400000002${crcHex("020400000002")}`, ASK], REPLY],
  [
    "a multiple write",
    [`011000000001020005${crcHex("011000000001020005")}`],
    `019001${crcHex("019001")}`,
  ],
  ["300 bytes of noise, then a request", ["55".repeat(300), ASK], REPLY],
])("answers %s", async (_what, pieces, reply) => {
  expect(await conversation(pieces)).toBe(reply);
});

function crcHex(hex: string): string {
  return crcBytes(Buffer.from(hex, "hex")).toString("hex");
}
