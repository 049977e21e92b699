import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";
import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";

/** What one chip does with a transfer; undefined: it does not acknowledge. */
export interface FakeChip {
  write?(bytes: number[]): boolean;
  read?(length: number): number[] | undefined;
}

/** An I2C bus of chips by address that remembers what was written to each. */
export class FakeI2c implements I2cPort {
  readonly written = new Map<number, number[][]>();
  fails: (address: number) => DeviceError | undefined = () => undefined;
  readonly #chips: Record<number, FakeChip>;

  constructor(chips: Record<number, FakeChip>) {
    this.#chips = chips;
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    this.#check(address);
    const said = [...bytes];
    this.written.set(address, [...(this.written.get(address) ?? []), said]);
    if (!(this.#chips[address]?.write?.(said) ?? false)) throw silent(address);
  }

  async read(address: number, length: number): Promise<Uint8Array> {
    this.#check(address);
    const bytes = this.#chips[address]?.read?.(length);
    if (!bytes) throw silent(address);
    return Uint8Array.from({ length }, (_, i) => bytes[i] ?? 0xff);
  }

  async writeRead(address: number, bytes: Uint8Array, length: number): Promise<Uint8Array> {
    await this.write(address, bytes);
    return this.read(address, length);
  }

  close = async () => undefined;

  #check(address: number): void {
    const failure = this.fails(address);
    if (failure) throw failure;
  }
}

const silent = (address: number) => new DeviceError("no-answer", `0x${address.toString(16)}`);

/** A chip of 16-bit registers behind a pointer; `mask` is how many bits of the pointer it looks at. */
export function registers(values: Record<number, number>, mask = 0xff): FakeChip {
  let pointer = 0;
  return {
    write: ([first = 0]) => {
      pointer = first & mask;
      return true;
    },
    read: () => {
      const value = values[pointer] ?? 0;
      return [value >> 8, value & 0xff];
    },
  };
}

/** A chip of 8-bit registers that counts on by itself. */
export function bytesAt(values: Record<number, number>): FakeChip {
  let pointer = 0;
  return {
    write: ([first = 0]) => {
      pointer = first;
      return true;
    },
    read: (length) => Array.from({ length }, (_, i) => values[pointer + i] ?? 0),
  };
}

/** A Sensirion chip: command in hex → words it then gives, once. It refuses every other read. */
export function sensirion(answers: Record<string, number[]>): FakeChip {
  let next: number[] | undefined;
  return {
    write: (bytes) => {
      next = answers[Buffer.from(bytes).toString("hex")];
      return true;
    },
    read: () => {
      const words = next;
      next = undefined;
      return words?.flatMap((word) => framed(word));
    },
  };
}

export function framed(word: number): number[] {
  const pair = [word >> 8, word & 0xff];
  return [...pair, sensirionCrc8(pair)];
}

/** An I/O expander or multiplexer: one latch that is written and read. */
export function latch(start: number): FakeChip & { value: number } {
  const chip = {
    value: start,
    write: (bytes: number[]) => {
      chip.value = bytes.at(-1) ?? chip.value;
      return true;
    },
    read: (length: number) => Array.from({ length }, () => chip.value),
  };
  return chip;
}
