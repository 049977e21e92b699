import type { QuantityId } from "../../contract/quantity.ts";
import { DeviceError } from "../bus/port.ts";
import { within } from "./driver.ts";

/**
 * The text of one attribute of a sensor, such as `temp1_input`. Throws `DeviceError`: "unsupported" when
 * the sensor has no such attribute.
 */
export type ReadAttribute = (name: string) => Promise<string>;

/** Sensors whose chip a kernel driver reads for us. */
export interface KernelSensorDriver {
  model: string;
  /** Where the sensors of this kind stand under /sys. */
  folder: string;
  channels: Record<string, QuantityId>;
  /** One value in the unit of its quantity. Throws `DeviceError`. */
  read(read: ReadAttribute, channel: string): Promise<number>;
}

/** One kind of channel: its quantity, how many a sensor may have, and what to multiply with. */
export interface ChannelKind {
  quantity: QuantityId;
  /** Numbers of the channels; none for a channel without a number. */
  from?: number;
  to?: number;
  factor: number;
}

/** `temp1`, `temp2`, … of every kind. */
export function channelKinds(kinds: Record<string, ChannelKind>): ReadonlyMap<string, ChannelKind> {
  return new Map(
    Object.entries(kinds).flatMap(([prefix, kind]) => {
      const { from, to } = kind;
      if (from === undefined || to === undefined) return [[prefix, kind] as const];
      return Array.from(
        { length: to - from + 1 },
        (_, i) => [`${prefix}${from + i}`, kind] as const,
      );
    }),
  );
}

export function quantitiesOf(kinds: ReadonlyMap<string, ChannelKind>): Record<string, QuantityId> {
  return Object.fromEntries([...kinds].map(([name, { quantity }]) => [name, quantity]));
}

export function kindOf(kinds: ReadonlyMap<string, ChannelKind>, channel: string): ChannelKind {
  const kind = kinds.get(channel);
  if (!kind) throw new DeviceError("unsupported", `there is no channel ${channel}`);
  return kind;
}

const NUMBER = /^-?\d{1,15}(\.\d{1,15})?\s*$/;

/** The number of an attribute. Throws `DeviceError`: an empty file has no value. */
export function attributeNumber(text: string): number {
  if (text.trim() === "") throw new DeviceError("not-available", "the attribute is empty");
  if (!NUMBER.test(text))
    throw new DeviceError("checksum", `"${text.trim().slice(0, 40)}" is not a number`);
  return Number(text);
}

/** A value that a sensor of this quantity can have; −127 °C is a disconnected thermometer. */
export function credible(value: number, quantity: QuantityId): number {
  if (quantity === "temperature") return within(value, -55, 150);
  return quantity === "humidity" ? within(value, 0, 100) : value;
}

/** The text of an attribute that a sensor may lack. */
export async function optional(read: ReadAttribute, name: string): Promise<string | undefined> {
  try {
    return await read(name);
  } catch (error) {
    if (error instanceof DeviceError && error.reason === "unsupported") return undefined;
    throw error;
  }
}
