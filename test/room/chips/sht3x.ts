import type { I2cChip } from "./chip.ts";

/** Sensirion SHT3x-DIS datasheet: single shot without clock stretching, longest measuring time in ms. */
const SINGLE_SHOT_MS: Record<number, number> = { 9216: 15.5, 9227: 6.5, 9238: 4.5 };
const STATUS = 0xf32d;
const CLEAR_STATUS = 0x3041;
const SOFT_RESET = 0x30a2;
const BREAK = 0x3093;
const HEATER_ON = 0x306d;
const HEATER_OFF = 0x3066;
const SERIAL = 0x3780;

const BIT_ALERT = 0x8000;
const BIT_HEATER = 0x2000;
const BIT_RESET = 0x0010;
const BIT_COMMAND = 0x0002;

export interface Sht3xWorld {
  monoMs(): number;
  temperatureC(): number;
  humidityRh(): number;
  /** Damages the check byte of that word. */
  corrupt(): { temperature: boolean; humidity: boolean };
}

/** SHT3x at byte level: a read before the measurement is done, or with nothing to say, is not acknowledged. */
export class Sht3x implements I2cChip {
  #status = BIT_ALERT | BIT_RESET;
  #answer: { readyAtMs: number; words: () => Uint8Array } | undefined;

  constructor(
    private readonly world: Sht3xWorld,
    private readonly serial: number,
  ) {}

  reset(): void {
    this.#status = BIT_ALERT | BIT_RESET;
    this.#answer = undefined;
  }

  write(bytes: Uint8Array): boolean {
    if (this.#measuring()) return false;
    if (bytes.length < 2) return bytes.length === 0;
    this.#command((bytes[0]! << 8) | bytes[1]!);
    return true;
  }

  read(length: number): Uint8Array | undefined {
    if (this.#answer === undefined || this.#measuring()) return undefined;
    const words = this.#answer.words();
    this.#answer = undefined;
    // A master that clocks on after the last byte reads the idle line.
    const bytes = new Uint8Array(length).fill(0xff);
    bytes.set(words.subarray(0, length));
    return bytes;
  }

  #measuring(): boolean {
    return this.#answer !== undefined && this.world.monoMs() < this.#answer.readyAtMs;
  }

  #command(command: number): void {
    const measureMs = SINGLE_SHOT_MS[command];
    if (measureMs !== undefined) {
      this.#say(() => this.#sample(), measureMs);
      return;
    }
    this.#answer = undefined;
    switch (command) {
      case STATUS:
        this.#say(() => framed(this.#status));
        return;
      case SERIAL:
        this.#say(() => framed(this.serial >>> 16, this.serial & 0xffff));
        return;
      case CLEAR_STATUS:
        this.#status &= BIT_HEATER;
        return;
      case SOFT_RESET:
        this.reset();
        return;
      case HEATER_ON:
        this.#status |= BIT_HEATER;
        return;
      case HEATER_OFF:
        this.#status &= ~BIT_HEATER;
        return;
      case BREAK:
        return;
      default:
        this.#status |= BIT_COMMAND;
    }
  }

  #say(words: () => Uint8Array, afterMs = 0): void {
    this.#answer = { readyAtMs: this.world.monoMs() + afterMs, words };
  }

  #sample(): Uint8Array {
    const temperature = ((this.world.temperatureC() + 45) * 65_535) / 175;
    const humidity = (this.world.humidityRh() * 65_535) / 100;
    const bytes = framed(word(temperature), word(humidity));
    const corrupt = this.world.corrupt();
    if (corrupt.temperature) bytes[2]! ^= 0x5a;
    if (corrupt.humidity) bytes[5]! ^= 0x5a;
    return bytes;
  }
}

const word = (value: number) => Math.min(65_535, Math.max(0, Math.round(value)));

/** Big-endian words, each followed by its check byte. */
function framed(...words: number[]): Uint8Array {
  return Uint8Array.from(
    words.flatMap((value) => {
      const pair = [value >>> 8, value & 0xff];
      return [...pair, sensirionCrc8(pair)];
    }),
  );
}

/** CRC-8 of Sensirion: polynomial 0x31, initial 0xFF, not reflected. */
export function sensirionCrc8(bytes: Iterable<number>): number {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1)
      crc = crc & 0x80 ? ((crc << 1) ^ 0x31) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
}
