import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { I2cChip } from "../room/chips/chip.ts";
import type { Tca9548 } from "./tca9548.ts";

const EIO = 5;
const EREMOTEIO = 121;
const NOT_ACKNOWLEDGED = `err ${EREMOTEIO}`;

/** The chips of `/dev/i2c-<number>`, played here: the far end of test/pi/i2c-peer. */
export class PlayedBus {
  readonly chips = new Map<number, I2cChip>();
  /** Its channels' chips answer too, as far as it has them connected. */
  mux: Tca9548 | undefined;
  /** True: the bus is stuck; nothing on it answers and each transfer times out in the kernel. */
  stuck = false;
  readonly #farEnd: number;
  readonly #reader: ChildProcessByStdio<null, Readable, null>;

  constructor(number: number) {
    this.#farEnd = openSync(`/dev/i2c-peer-${number}`, "r+");
    // Reading blocks inside the kernel, where no thread of ours could be ended; `cat` can be.
    this.#reader = spawn("cat", {
      stdio: [this.#farEnd, "pipe", "inherit"],
    }) as ChildProcessByStdio<null, Readable, null>;
    createInterface({ input: this.#reader.stdout }).on("line", (line) => this.#serve(line));
  }

  async close(): Promise<void> {
    this.#reader.kill("SIGKILL");
    await once(this.#reader, "close");
    closeSync(this.#farEnd);
  }

  #serve(line: string): void {
    if (this.stuck) return;
    try {
      writeSync(this.#farEnd, `${this.#transfer(line)}\n`);
    } catch (error) {
      // The kernel has given this transfer up already; the chip was too slow.
      if ((error as NodeJS.ErrnoException).code !== "ETIMEDOUT") throw error;
    }
  }

  #chip(address: number): I2cChip | undefined {
    return this.chips.get(address) ?? this.mux?.chip(address);
  }

  #transfer(line: string): string {
    const answers: string[] = [];
    for (const message of line.split(" ")) {
      const [, kind, address = "", rest = ""] = /^([rw])([0-9a-f]+):(.+)$/.exec(message) ?? [];
      if (kind === undefined) return `err ${EIO}`;
      const chip = this.#chip(Number.parseInt(address, 16));
      if (!chip) return NOT_ACKNOWLEDGED;
      if (kind === "w") {
        if (!chip.write(Buffer.from(rest === "-" ? "" : rest, "hex"))) return NOT_ACKNOWLEDGED;
      } else {
        const bytes = chip.read(Number(rest));
        if (!bytes) return NOT_ACKNOWLEDGED;
        answers.push(Buffer.from(bytes).toString("hex"));
      }
    }
    return `ok ${answers.join("")}`;
  }
}
