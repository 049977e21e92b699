import type { z } from "zod";
import { block } from "../../contract/yaml-words.ts";
import { DeviceError } from "../bus/port.ts";
import { amount, flag } from "../config/words.ts";
import { checkedWord, sensirionCrc8 } from "./crc8.ts";
import { type I2cDevice, type I2cDriver, within } from "./driver.ts";

const STOP = [0x3f, 0x86];
const STOP_MS = 500;
const READ_SERIAL = [0x36, 0x82];
const SET_ALTITUDE = [0x24, 0x27];
const SET_SELF_CALIBRATION = [0x24, 0x16];
const START = [0x21, 0xb1]; // a value every 5 s
const IS_READY = [0xe4, 0xb8];
const READY_MASK = 0x07ff; // the bits above are set even when nothing is ready
const READ = [0xec, 0x05];
const COMMAND_MS = 2; // datasheet maximum is 1 ms
const POLL_MS = 500;
const POLLS = 13; // 6 s: one period and a margin

const optionsSchema = block("an SCD4x", {
  /** Above sea level; the air's density counts. */
  altitudeM: amount("the altitude in m", 0, 3_000).default(0),
  /** It assumes outdoor air once a week, which a closed room never has. */
  selfCalibration: flag("selfCalibration"),
}).meta({ examples: [{ altitudeM: 520 }] });
type Options = z.output<typeof optionsSchema>;

/** Sensirion SCD40, SCD41 carbon dioxide sensor (SCD4x datasheet). A read waits for the next value of the chip, at most 6 s. */
export const scd4x: I2cDriver<"co2" | "temperature" | "humidity", Options> = {
  model: "scd4x",
  channels: { co2: "co2", temperature: "temperature", humidity: "humidity" },
  addresses: [0x62],
  optionsSchema,
  async start(device, { altitudeM, selfCalibration }) {
    await device.write(STOP);
    await device.pause(STOP_MS);
    // Three words with their own checksums are what no other chip at this address answers.
    const serial = await ask(device, READ_SERIAL, 9);
    for (const offset of [0, 3, 6]) checkedWord(serial, offset);
    await device.write([...SET_ALTITUDE, ...withCrc(altitudeM)]);
    await device.pause(COMMAND_MS);
    await device.write([...SET_SELF_CALIBRATION, ...withCrc(selfCalibration ? 1 : 0)]);
    await device.pause(COMMAND_MS);
    await device.write(START);
  },
  async read(device) {
    for (let poll = 1; poll <= POLLS; poll += 1) {
      if (isReady(await ask(device, IS_READY, 3))) return decodeScd4x(await ask(device, READ, 9));
      await device.pause(POLL_MS);
    }
    throw new DeviceError("not-ready", "no new value for 6 s: it no longer measures");
  },
};

async function ask(
  device: I2cDevice,
  command: readonly number[],
  length: number,
): Promise<Uint8Array> {
  await device.write(command);
  await device.pause(COMMAND_MS);
  return device.read(length);
}

function withCrc(value: number): number[] {
  const bytes = [value >> 8, value & 0xff];
  return [...bytes, sensirionCrc8(bytes)];
}

export const isReady = (frame: Uint8Array): boolean => (checkedWord(frame, 0) & READY_MASK) !== 0;

/** ppm, °C and %. Throws `DeviceError`; 0 ppm is what the chip says before its first value. */
export function decodeScd4x(frame: Uint8Array) {
  const [co2, t, rh] = [checkedWord(frame, 0), checkedWord(frame, 3), checkedWord(frame, 6)];
  if (co2 === 0) throw new DeviceError("not-ready", "0 ppm is no measurement");
  return {
    co2: within(co2, 1, 40_000),
    temperature: within(-45 + (175 * t) / 65_536, -10, 60),
    humidity: (100 * rh) / 65_536,
  };
}
