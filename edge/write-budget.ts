import { readFile } from "node:fs/promises";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A rate over less says nothing about a day. */
const LEAST_MS = 10_000;
const IO_FILE = "/proc/self/io";

/** How fast the program wears the card: bytes written so far, seen over the last 24 hours at most. */
export class WriteBudget {
  /** One look an hour, the oldest first, at most 25. */
  #looks: { atMs: number; bytes: number }[] = [];
  #newest: { atMs: number; bytes: number } | undefined;

  /** Takes a look; `monoMs` must not run backwards. */
  note(bytes: number, monoMs: number): void {
    this.#newest = { atMs: monoMs, bytes };
    const last = this.#looks.at(-1);
    if (!last || monoMs - last.atMs >= HOUR_MS) this.#looks.push(this.#newest);
    while (this.#looks.length > 1 && monoMs - this.#looks[1]!.atMs >= DAY_MS) this.#looks.shift();
  }

  /** Bytes a day at the rate of the last day, or of the time since the start; undefined in the first 10 s. */
  bytesPerDay(): number | undefined {
    const [first] = this.#looks;
    if (!first || !this.#newest) return undefined;
    const elapsedMs = this.#newest.atMs - first.atMs;
    if (elapsedMs < LEAST_MS) return undefined;
    return Math.round(((this.#newest.bytes - first.bytes) * DAY_MS) / elapsedMs);
  }
}

/** Bytes this process has handed to the block layer; undefined where the kernel does not count them. */
export async function writtenBytes(file = IO_FILE): Promise<number | undefined> {
  try {
    const count = /^write_bytes: (\d+)$/m.exec(await readFile(file, "utf8"))?.[1];
    return count === undefined ? undefined : Number(count);
  } catch (error) {
    // Not Linux, or a sandbox that hides it.
    if (error instanceof Error && "code" in error) return undefined;
    throw error;
  }
}
