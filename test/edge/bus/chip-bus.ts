import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";

/** A chip on a simulated bus, at the level of its bytes. */
export interface FakeChip {
  write(bytes: Uint8Array): void;
  read(length: number): Uint8Array;
}

/** A chip with a register pointer that moves on by itself. */
export class RegisterChip implements FakeChip {
  readonly registers: Uint8Array;
  #pointer = 0;

  constructor(size: number) {
    this.registers = new Uint8Array(size);
  }

  write([pointer = 0, ...values]: Uint8Array): void {
    this.#pointer = pointer;
    for (const [i, value] of values.entries()) this.set(pointer + i, value);
  }
  read(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => this.get(this.#pointer + i));
  }
  protected set(register: number, value: number): void {
    this.registers[register] = value;
  }
  protected get(register: number): number {
    return this.registers[register] ?? 0;
  }
}

/** MCP23017: pins that the world drives (contacts to ground), pull-ups, latches; `powerCut` forgets all. */
export class FakeMcp23017 extends RegisterChip {
  /** Contacts that are closed, to ground. */
  readonly closed = new Set<number>();
  /** Outputs that something holds up or down whatever the chip does. */
  readonly held = new Map<number, 0 | 1>();

  constructor() {
    super(0x16);
    this.powerCut();
  }

  powerCut(): void {
    this.registers.fill(0);
    this.registers.fill(0xff, 0, 2);
  }

  pin(line: number): 0 | 1 {
    const [port, bit] = [line >> 3, line & 7];
    const held = this.held.get(line);
    if (held !== undefined) return held;
    const isInput = ((this.registers[port] ?? 0) >> bit) & 1;
    if (!isInput) return (((this.registers[0x14 + port] ?? 0) >> bit) & 1) as 0 | 1;
    if (this.closed.has(line)) return 0;
    return (((this.registers[0x0c + port] ?? 0) >> bit) & 1) as 0 | 1;
  }

  protected override get(register: number): number {
    if (register !== 0x12 && register !== 0x13) return super.get(register);
    let bits = 0;
    for (let bit = 0; bit < 8; bit += 1) bits |= this.pin((register - 0x12) * 8 + bit) << bit;
    return bits;
  }
}

/** PCF8574: what is written high is released, and reads as the world drives it. */
export class FakePcf8574 implements FakeChip {
  readonly closed = new Set<number>();
  #latch = 0xff;

  powerCut(): void {
    this.#latch = 0xff;
  }
  pin(line: number): 0 | 1 {
    return ((this.#latch >> line) & 1) === 1 && !this.closed.has(line) ? 1 : 0;
  }
  write(bytes: Uint8Array): void {
    this.#latch = bytes.at(-1) ?? this.#latch;
  }
  read(length: number): Uint8Array {
    let bits = 0;
    for (let line = 0; line < 8; line += 1) bits |= this.pin(line) << line;
    return new Uint8Array(length).fill(bits);
  }
}

const FULL_SCALES = [6.144, 4.096, 2.048, 1.024, 0.512, 0.256];

/** ADS1115 with a pull-up of 2.2 kΩ to 3.3 V and a resistance to ground on each input. */
export class FakeAds1115 implements FakeChip {
  readonly ohms: number[] = [1_000, 1_000, 1_000, 1_000];
  #pointer = 0;
  #config = 0x8583;

  powerCut(): void {
    this.#config = 0x8583;
  }
  write([pointer = 0, high, low]: Uint8Array): void {
    this.#pointer = pointer;
    if (pointer === 1 && high !== undefined && low !== undefined) this.#config = (high << 8) | low;
  }
  read(): Uint8Array {
    const value = this.#pointer === 1 ? this.#config | 0x8000 : this.#volts();
    return Uint8Array.of((value >> 8) & 0xff, value & 0xff);
  }
  #volts(): number {
    const ohm = this.ohms[((this.#config >> 12) & 7) - 4] ?? 0;
    const volts = ohm === Number.POSITIVE_INFINITY ? 3.3 : (3.3 * ohm) / (ohm + 2_200);
    const scale = FULL_SCALES[(this.#config >> 9) & 7] ?? 0;
    return Math.min(32_767, Math.round((volts / scale) * 32_768));
  }
}

/** TCA9548A: chips behind it answer while their channel is open. */
export class FakeMux implements FakeChip {
  mask = 0;
  readonly channels: Map<number, FakeChip>[];

  constructor(channels: Map<number, FakeChip>[]) {
    this.channels = channels;
  }
  write([mask = 0]: Uint8Array): void {
    this.mask = mask;
  }
  read = (length: number): Uint8Array => new Uint8Array(length).fill(this.mask);

  behind(address: number): FakeChip[] {
    return this.channels.flatMap((chips, n) =>
      (this.mask >> n) & 1 ? (chips.get(address) ?? []) : [],
    );
  }
}

/** A bus on which two chips that answer at once are an error, as are two transfers at once. */
export class ChipBus {
  readonly chips = new Map<number, FakeChip>();
  opened = 0;
  closed = 0;
  transfers = 0;
  /** Addresses that do not acknowledge. */
  readonly absent = new Set<number>();
  #busy = false;

  port(): I2cPort {
    this.opened += 1;
    const at = (address: number) => this.#at(address);
    return {
      write: (address, bytes) => this.#alone(() => at(address).write(bytes)),
      read: (address, length) => this.#alone(() => at(address).read(length)),
      writeRead: (address, bytes, length) =>
        this.#alone(() => {
          at(address).write(bytes);
          return at(address).read(length);
        }),
      close: async () => {
        this.closed += 1;
      },
    };
  }

  #at(address: number): FakeChip {
    const muxes = [...this.chips.values()].filter((chip) => chip instanceof FakeMux);
    const own = this.chips.get(address);
    const found = [...(own ? [own] : []), ...muxes.flatMap((mux) => mux.behind(address))];
    const [chip, other] = found;
    if (!chip || this.absent.has(address))
      throw new DeviceError("no-answer", `0x${address.toString(16)} did not acknowledge`);
    if (other) throw new Error(`two chips answer at 0x${address.toString(16)}`);
    return chip;
  }

  async #alone<T>(work: () => T): Promise<T> {
    if (this.#busy) throw new Error("two transfers at once");
    this.#busy = true;
    this.transfers += 1;
    await new Promise((resolve) => setImmediate(resolve));
    this.#busy = false;
    return work();
  }
}
