import { encodeField, type FieldValue } from "../../../edge/profiles/encode.ts";
import type { Field, Profile } from "../../../edge/profiles/schema.ts";

/** Codes a device answers with instead of data (Modbus application protocol, section 7). */
export const EXCEPTION = {
  function: 1,
  address: 2,
  value: 3,
  failure: 4,
  gatewayTarget: 11,
} as const;
export class ModbusRefusal extends Error {
  constructor(readonly code: number) {
    super(`exception ${code}`);
  }
}

/** What stands behind a field or a bit of it; null when the device has no value for it. */
export type FieldReader = (id: string) => FieldValue;

/**
 * The registers of one device, spelled by its profile and filled with what `read` says at that moment.
 * As real devices do, a block that begins at a register in use gives 0 for the holes after it, while a
 * block that begins in a hole is refused with exception 2.
 */
export class RegisterBank {
  readonly #tables = new Map<number, Field[]>();

  constructor(
    private readonly profile: Profile,
    private readonly read: FieldReader,
  ) {
    for (const field of profile.fields)
      this.#tables.set(field.fc, [...(this.#tables.get(field.fc) ?? []), field]);
  }

  /** Registers (fc 3 and 4) or bits as 0/1 (fc 1 and 2). Throws ModbusRefusal. */
  block(fc: number, address: number, count: number): Uint16Array {
    const table = this.#tables.get(fc);
    if (!table) throw new ModbusRefusal(EXCEPTION.function);
    const most = fc <= 2 ? 2_000 : this.profile.limits.maxRegisters;
    if (count < 1 || count > most) throw new ModbusRefusal(EXCEPTION.value);
    const end = address + count;
    const forbidden = this.profile.limits.illegal.some(
      ([low, high]) => address <= high && low < end,
    );
    if (forbidden || !table.some((field) => covers(field, address)))
      throw new ModbusRefusal(EXCEPTION.address);
    const block = new Uint16Array(count);
    for (const field of table) {
      if (field.address >= end || field.address + width(field) <= address) continue;
      this.#words(field).forEach((word, i) => {
        const at = field.address + i - address;
        if (at >= 0 && at < count) block[at] = word;
      });
    }
    return block;
  }

  #words(field: Field): Uint16Array {
    try {
      return encodeField(field, this.#value(field));
    } catch (error) {
      // A value that no register of this device can spell, such as a drift below zero.
      if (error instanceof RangeError) throw new ModbusRefusal(EXCEPTION.failure);
      throw error;
    }
  }

  #value(field: Field): FieldValue {
    if (!field.type.startsWith("bitfield")) return this.read(field.id);
    let bits = 0;
    for (const point of this.profile.points)
      if (point.field === field && point.bit !== undefined && this.read(point.id))
        bits += 2 ** point.bit;
    return bits;
  }
}

const width = (field: Field) => Math.max(1, field.count);
const covers = (field: Field, address: number) =>
  address >= field.address && address < field.address + width(field);
