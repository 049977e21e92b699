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

/** One model of I2C chip. It keeps nothing between reads. */
export interface I2cDriver<Channel extends string = string> {
  model: string;
  /** What it measures; values come in the unit of the quantity. */
  channels: Record<Channel, QuantityId>;
  /** 7-bit addresses the chip can have. */
  addresses: readonly number[];
  /** One measurement of all channels, within the chip's own range. Throws `DeviceError`. */
  read(device: I2cDevice): Promise<Record<Channel, number>>;
}

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

/** Big-endian words of a frame. Throws `DeviceError` "bus" when the frame is too short. */
export function word(frame: Uint8Array, offset: number): number {
  const [high, low] = [frame[offset], frame[offset + 1]];
  if (high === undefined || low === undefined)
    throw new DeviceError("bus", `a frame of ${frame.length} bytes is too short`);
  return (high << 8) | low;
}

export function signedWord(frame: Uint8Array, offset: number): number {
  return (word(frame, offset) << 16) >> 16;
}

/** For chips without id and CRC: two bytes of ones are what a floating bus reads. Throws `DeviceError` "bus". */
export function refuseFloating(frame: Uint8Array): Uint8Array {
  if (word(frame, 0) === 0xffff) throw new DeviceError("bus", "only ones: the bus floats");
  return frame;
}
