import { sensirionCrc8 } from "../../../edge/drivers/crc8.ts";
import type { I2cDevice } from "../../../edge/drivers/driver.ts";

export type Step =
  | { write: number[] }
  | { read: Iterable<number> }
  | { writeRead: number[]; gives: Iterable<number> };

/** A chip that knows one conversation. Anything else said to it is an error of the driver. */
export function scriptedI2c(steps: Step[]): I2cDevice & { pausedMs: number; left(): number } {
  const left = [...steps];
  const next = (said: string): Step => {
    const step = left.shift();
    if (!step) throw new Error(`the conversation is over, but the driver said ${said}`);
    return step;
  };
  return {
    pausedMs: 0,
    left: () => left.length,
    async write(bytes) {
      const said = `write ${bytes}`;
      const step = next(said);
      if (!("write" in step) || String(step.write) !== String(bytes)) throw new Error(said);
    },
    async read(length) {
      const said = `read ${length}`;
      const step = next(said);
      if (!("read" in step)) throw new Error(said);
      return Uint8Array.from(step.read);
    },
    async writeRead(bytes, length) {
      const said = `writeRead ${bytes} ${length}`;
      const step = next(said);
      if (!("writeRead" in step) || String(step.writeRead) !== String(bytes)) throw new Error(said);
      return Uint8Array.from(step.gives);
    },
    async pause(ms) {
      this.pausedMs += ms;
    },
  };
}

/** A word with its Sensirion checksum. */
export function framed(word: number): Uint8Array {
  const bytes = [word >> 8, word & 0xff];
  return Uint8Array.of(...bytes, sensirionCrc8(bytes));
}
