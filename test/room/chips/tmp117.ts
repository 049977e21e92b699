import type { I2cChip } from "./chip.ts";

/** TI TMP117 datasheet, register map. */
const TEMPERATURE = 0x00;
const CONFIGURATION = 0x01;
const DEVICE_ID = 0x0f;
const RESET_VALUES: Record<number, number> = {
  [TEMPERATURE]: 0x8000,
  [CONFIGURATION]: 0x0220,
  2: 0x6000,
  3: 0x8000,
  4: 0,
  5: 0,
  6: 0,
  7: 0,
  8: 0,
  [DEVICE_ID]: 0x0117,
};
const READ_ONLY = new Set([TEMPERATURE, DEVICE_ID]);
const LSB_C = 0.0078125;

const BIT_DATA_READY = 0x2000;
const BIT_SOFT_RESET = 0x0002;
const MODE_SHUTDOWN = 1;
const MODE_ONE_SHOT = 3;
/** By averaging field: time one result takes. */
const ACTIVE_MS = [15.5, 125, 500, 1_000];
/** By conversion-cycle field, without averaging. */
const CYCLE_MS = [15.5, 125, 250, 500, 1_000, 4_000, 8_000, 16_000];

export interface Tmp117World {
  monoMs(): number;
  temperatureC(): number;
}

/** TMP117 at byte level: a register pointer, and 0x8000 (−256 °C) until the first conversion is done. */
export class Tmp117 implements I2cChip {
  #pointer = 0;
  #registers = { ...RESET_VALUES };
  #dueMs = 0;

  constructor(private readonly world: Tmp117World) {
    this.reset();
  }

  reset(): void {
    this.#pointer = 0;
    this.#registers = { ...RESET_VALUES };
    this.#startConversion();
  }

  write(bytes: Uint8Array): boolean {
    const [pointer, high, low] = bytes;
    if (pointer === undefined) return true;
    this.#pointer = pointer;
    if (high === undefined || low === undefined) return true;
    if (pointer in this.#registers && !READ_ONLY.has(pointer)) this.#set((high << 8) | low);
    return true;
  }

  read(length: number): Uint8Array {
    this.#convert();
    const value = this.#registers[this.#pointer] ?? 0;
    const data = Uint8Array.from({ length }, (_, i) => (i % 2 === 0 ? value >>> 8 : value & 0xff));
    if (this.#pointer <= CONFIGURATION) this.#registers[CONFIGURATION]! &= ~BIT_DATA_READY;
    return data;
  }

  #set(value: number): void {
    if (this.#pointer !== CONFIGURATION) {
      this.#registers[this.#pointer] = value;
      return;
    }
    if (value & BIT_SOFT_RESET) {
      this.reset();
      return;
    }
    this.#convert();
    this.#registers[CONFIGURATION] = value & 0x0ffc;
    this.#startConversion();
  }

  get #mode(): number {
    return (this.#registers[CONFIGURATION]! >>> 10) & 3;
  }
  get #activeMs(): number {
    return ACTIVE_MS[(this.#registers[CONFIGURATION]! >>> 5) & 3]!;
  }
  get #cycleMs(): number {
    return Math.max(this.#activeMs, CYCLE_MS[(this.#registers[CONFIGURATION]! >>> 7) & 7]!);
  }

  #startConversion(): void {
    this.#dueMs = this.world.monoMs() + this.#activeMs;
  }

  /** Brings the temperature register up to now: one result per cycle, whether anybody reads it or not. */
  #convert(): void {
    const nowMs = this.world.monoMs();
    if (this.#mode === MODE_SHUTDOWN || nowMs < this.#dueMs) return;
    const raw = Math.round(this.world.temperatureC() / LSB_C);
    this.#registers[TEMPERATURE] = Math.min(32_767, Math.max(-32_767, raw)) & 0xffff;
    this.#registers[CONFIGURATION]! |= BIT_DATA_READY;
    if (this.#mode === MODE_ONE_SHOT) {
      this.#registers[CONFIGURATION]! &= ~0x0c00;
      this.#registers[CONFIGURATION]! |= MODE_SHUTDOWN << 10;
      return;
    }
    const cycles = Math.floor((nowMs - this.#dueMs) / this.#cycleMs) + 1;
    this.#dueMs += cycles * this.#cycleMs;
  }
}
