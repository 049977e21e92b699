import type { Logger } from "pino";

/** What has been opened, to be closed in reverse order. One failing does not keep the others open. */
export class Closers {
  readonly #log: Logger;
  readonly #stack: { name: string; close: () => void | Promise<void> }[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  add(name: string, close: () => void | Promise<void>): void {
    this.#stack.push({ name, close });
  }

  /** Closes everything; a second call finds nothing left to do. */
  async closeAll(): Promise<void> {
    for (let entry = this.#stack.pop(); entry; entry = this.#stack.pop()) {
      try {
        await entry.close();
      } catch (error) {
        this.#log.error({ err: error, part: entry.name }, "part did not close");
      }
    }
  }
}
