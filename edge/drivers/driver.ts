import type { z } from "zod";
import type { QuantityId } from "../../contract/quantity.ts";
import { DeviceError } from "../bus/port.ts";

/** What a driver sees of the world: its own chip, and time to wait. */
export interface I2cDevice {
  write(bytes: readonly number[]): Promise<void>;
  read(length: number): Promise<Uint8Array>;
  /** Write, repeated start, read. */
  writeRead(bytes: readonly number[], length: number): Promise<Uint8Array>;
  pause(ms: number): Promise<void>;
}

/** A heater in the chip, against water that has condensed on it. */
export interface Heater {
  /** One burst; it is off again on return. Throws `DeviceError` when that is not sure. */
  pulse(device: I2cDevice): Promise<void>;
  /** Whatever an interrupted burst left behind. Absent where bursts end by themselves. */
  off?(device: I2cDevice): Promise<void>;
}

/** What one channel gave: a value, or why this channel alone has none. */
export type ChannelValue = number | DeviceError;

/** One model of I2C chip. It keeps nothing between reads: what must last stands in the chip. */
export interface I2cDriver<Channel extends string = string, Options = void> {
  model: string;
  /** What it measures; values come in the unit of the quantity. */
  channels: Record<Channel, QuantityId>;
  /** 7-bit addresses the chip can have. */
  addresses: readonly number[];
  /** What must be known of the circuit round the chip. Absent: nothing. `meta().examples` has one. */
  optionsSchema?: z.ZodType<Options>;
  /** For a chip whose options say what it measures: the channels it then has. */
  channelsWith?(options: Options): Partial<Record<Channel, QuantityId>>;
  /** Its steps are so wide that a steady room gives the same value for hours. */
  coarse?: boolean;
  /** For a chip that measures temperature and humidity. */
  heater?: Heater;
  /** Sets the chip up, before its first read and again after it failed. Throws `DeviceError`. */
  start?(device: I2cDevice, options: Options): Promise<void>;
  /**
   * One measurement of all channels, within the chip's own range. Throws `DeviceError`; "reset" when the
   * chip lost what `start` wrote.
   */
  read(device: I2cDevice, options: Options): Promise<Record<Channel, ChannelValue>>;
}

/** Any model, with options already checked by its own schema. */
export type AnyI2cDriver = I2cDriver<string, unknown>;

/** One family of 1-Wire thermometer. */
export interface OneWireDriver {
  model: string;
  /** The first two digits of the ids of its chips. */
  family: string;
  channels: { temperature: "temperature" };
  /** °C from the text of `w1_slave`. Throws `DeviceError`. */
  decode(text: string): number;
}

/** The value itself, when the chip can measure it. */
export function within(value: number, min: number, max: number): number {
  if (value >= min && value <= max) return value;
  throw new DeviceError("range", `${value} is outside the ${min}–${max} this chip can measure`);
}

/** What `decode` gives; a `DeviceError` it throws concerns this channel alone. */
export function channel(decode: () => number): ChannelValue {
  try {
    return decode();
  } catch (error) {
    if (error instanceof DeviceError) return error;
    throw error;
  }
}

/** One byte of a frame. Throws `DeviceError` "bus" when the frame is too short. */
export function byte(frame: Uint8Array, offset: number): number {
  const value = frame[offset];
  if (value === undefined)
    throw new DeviceError("bus", `a frame of ${frame.length} bytes is too short`);
  return value;
}

export function signedByte(frame: Uint8Array, offset: number): number {
  return (byte(frame, offset) << 24) >> 24;
}

/** Big-endian words of a frame. Throws `DeviceError` "bus" when the frame is too short. */
export function word(frame: Uint8Array, offset: number): number {
  return (byte(frame, offset) << 8) | byte(frame, offset + 1);
}

export function signedWord(frame: Uint8Array, offset: number): number {
  return (word(frame, offset) << 16) >> 16;
}

/** For chips without id and CRC: two bytes of ones are what a floating bus reads. Throws `DeviceError` "bus". */
export function refuseFloating(frame: Uint8Array): Uint8Array {
  if (word(frame, 0) === 0xffff) throw new DeviceError("bus", "only ones: the bus floats");
  return frame;
}
