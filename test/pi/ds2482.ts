import type { I2cChip } from "../room/chips/chip.ts";
import { dallasCrc8 } from "../room/chips/ds18b20.ts";

/** What is on the wire of the bridge. */
export interface Thermometer {
  temperatureC: number;
  /** False: the wire is cut. */
  present: boolean;
  /** True: what it sends arrives damaged. */
  corrupt: boolean;
}

const FAMILY_AND_SERIAL = [0x28, 0xc6, 0x11, 0x5e, 0x0b, 0x00, 0x00];
/** 85 °C, the value before the first conversion (DS18B20 datasheet). */
const POWER_ON_SCRATCHPAD = [0x50, 0x05, 75, 70, 0x7f, 0xff, 0x0c, 0x10];
const CONVERSION_MS = 750;

type Phase = "idle" | "rom" | "search" | "match" | "command" | "configure";
const ROM_COMMANDS: Record<number, Phase> = { 240: "search", 85: "match", 204: "command" };
const CONVERT = 0x44;
const READ_SCRATCHPAD = 0xbe;
const WRITE_SCRATCHPAD = 0x4e;

/** A DS18B20 as the 1-Wire line sees it: resets, bytes, and the bits of a search. */
class WiredThermometer {
  readonly #rom = [...FAMILY_AND_SERIAL, dallasCrc8(FAMILY_AND_SERIAL)];
  #scratchpad = [...POWER_ON_SCRATCHPAD];
  #phase: Phase = "idle";
  #position = 0;
  #output: number[] = [];
  #readyAtMs = 0;

  constructor(private readonly state: Thermometer) {}

  /** True: a presence pulse answered. */
  reset(): boolean {
    this.#phase = this.state.present ? "rom" : "idle";
    this.#position = 0;
    this.#output = [];
    return this.state.present;
  }

  write(byte: number): void {
    switch (this.#phase) {
      case "rom":
        this.#phase = ROM_COMMANDS[byte] ?? "idle";
        return;
      case "match":
        if (this.#rom[this.#position] !== byte) this.#phase = "idle";
        else if (++this.#position === this.#rom.length) this.#phase = "command";
        return;
      case "configure":
        this.#scratchpad[2 + this.#position] = byte;
        if (++this.#position === 3) this.#phase = "idle";
        return;
      case "command":
        this.#command(byte);
    }
  }

  #command(byte: number): void {
    this.#phase = "idle";
    if (byte === CONVERT) {
      const sixteenths = Math.round(this.state.temperatureC * 16);
      this.#scratchpad.splice(0, 2, sixteenths & 0xff, (sixteenths >> 8) & 0xff);
      const resolution = ((this.#scratchpad[4] ?? 0) >> 5) & 3;
      this.#readyAtMs = performance.now() + (CONVERSION_MS >> (3 - resolution));
    } else if (byte === READ_SCRATCHPAD) {
      const damage = this.state.corrupt ? 0xff : 0;
      this.#output = [...this.#scratchpad, dallasCrc8(this.#scratchpad) ^ damage];
    } else if (byte === WRITE_SCRATCHPAD) {
      this.#phase = "configure";
      this.#position = 0;
    }
  }

  /** With nothing to say the line reads ones, but zeros while converting. */
  read(): number {
    return this.#output.shift() ?? (performance.now() < this.#readyAtMs ? 0 : 0xff);
  }

  /** One step of a search: the bit, its complement, and the branch taken. */
  search(wanted: number): { bit: number; complement: number; taken: number } {
    if (this.#phase !== "search") return { bit: 1, complement: 1, taken: wanted };
    const byte = this.#rom[this.#position >> 3] ?? 0;
    const bit = (byte >> (this.#position & 7)) & 1;
    if (++this.#position === 64) this.#phase = "idle";
    return { bit, complement: 1 - bit, taken: bit };
  }
}

const STATUS = 0xf0;
const DATA = 0xe1;
const CONFIGURATION = 0xc3;
const LINE_HIGH = 0x08;
const WAS_RESET = 0x10;

/**
 * DS2482-100, an I2C to 1-Wire bridge, with one DS18B20 on its wire. The kernel's own ds2482, w1
 * and w1_therm drivers make `/sys/bus/w1/devices/28-00000b5e11c6` of it.
 */
export class Ds2482 implements I2cChip {
  readonly #wire: WiredThermometer;
  readonly #registers = new Map<number, number>();
  #pointer = STATUS;

  constructor(state: Thermometer) {
    this.#wire = new WiredThermometer(state);
    this.reset();
  }

  reset(): void {
    this.#done(WAS_RESET);
    this.#registers.set(DATA, 0).set(CONFIGURATION, 0);
  }

  write(bytes: Uint8Array): boolean {
    const [command, value = 0] = bytes;
    switch (command) {
      case undefined:
        break;
      case 0xf0: // device reset
        this.#done(WAS_RESET);
        break;
      case 0xe1: // set read pointer
        this.#pointer = value;
        break;
      case 0xd2: // write configuration
        this.#registers.set(CONFIGURATION, value & 0x0f);
        this.#pointer = CONFIGURATION;
        break;
      case 0xb4: // 1-Wire reset
        this.#done(this.#wire.reset() ? 0x02 : 0);
        break;
      case 0xa5: // 1-Wire write byte
        this.#wire.write(value);
        this.#done(0);
        break;
      case 0x96: // 1-Wire read byte
        this.#registers.set(DATA, this.#wire.read());
        this.#done(0);
        break;
      case 0x87: // 1-Wire single bit
        this.#done(this.#wire.read() & 1 ? 0x20 : 0);
        break;
      case 0x78: {
        // 1-Wire triplet
        const { bit, complement, taken } = this.#wire.search(value >> 7);
        this.#done((bit << 5) | (complement << 6) | (taken << 7));
        break;
      }
      default:
        return false;
    }
    return true;
  }

  read(length: number): Uint8Array {
    return new Uint8Array(length).fill(this.#registers.get(this.#pointer) ?? 0xff);
  }

  #done(status: number): void {
    this.#registers.set(STATUS, LINE_HIGH | status);
    this.#pointer = STATUS;
  }
}
