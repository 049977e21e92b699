import type { I2cChip } from "../room/chips/chip.ts";

/** TCA9548A: one byte written connects channels, a bit for each; nothing is connected after power-up. */
export class Tca9548 implements I2cChip {
  readonly channels = Array.from({ length: 8 }, () => ({ chips: new Map<number, I2cChip>() }));
  #connected = 0;

  write(bytes: Uint8Array): boolean {
    this.#connected = bytes.at(-1) ?? this.#connected;
    return true;
  }

  read(length: number): Uint8Array {
    return new Uint8Array(length).fill(this.#connected);
  }

  reset(): void {
    this.#connected = 0;
  }

  /** The chip that answers at this address. With two on connected channels a real bus would mix them. */
  chip(address: number): I2cChip | undefined {
    const found = this.channels.flatMap(({ chips }, channel) => {
      const chip = chips.get(address);
      return chip && (this.#connected >> channel) & 1 ? [chip] : [];
    });
    if (found.length > 1) throw new Error(`Two chips at 0x${address.toString(16)} are connected.`);
    return found[0];
  }
}
