import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { withDeadline } from "../bus/deadline.ts";
import { DeviceError, type Port } from "../bus/port.ts";

const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 60_000;
const CLOSE_MS = 5_000;

/** Opens a port when it is first needed, and again after it failed: after 1 s, 2 s, 4 s … 60 s. */
export class PortKeeper<P extends Port> {
  readonly #deps: { open: () => Promise<P>; clock: Clock; log: Logger };
  #port: P | undefined;
  #failures = 0;
  #retryAtMs = 0;
  #why = "";
  #told = false;

  constructor(deps: { open: () => Promise<P>; clock: Clock; log: Logger }) {
    this.#deps = deps;
  }

  get isOpen(): boolean {
    return this.#port !== undefined;
  }

  /** The open port. Throws `DeviceError` "bus" while it cannot be opened or waits for its next try. */
  async port(): Promise<P> {
    if (this.#port) return this.#port;
    const { clock, open } = this.#deps;
    if (clock.monoMs() < this.#retryAtMs) throw new DeviceError("bus", this.#why);
    try {
      this.#port = await open();
      return this.#port;
    } catch (error) {
      if (error instanceof DeviceError) this.#failed(error.message);
      throw error;
    }
  }

  /** A transfer went well: the port is sound, the next failure starts with a short wait again. */
  worked(): void {
    if (this.#told) this.#deps.log.info("bus back");
    this.#told = false;
    this.#failures = 0;
  }

  /** Closes a port that no longer serves. */
  async drop(why: string): Promise<void> {
    this.#failed(why);
    await this.close();
  }

  async close(): Promise<void> {
    const port = this.#port;
    this.#port = undefined;
    if (!port) return;
    const { clock, log } = this.#deps;
    const late = () => new DeviceError("bus", "closing takes too long");
    try {
      await withDeadline(port.close(), CLOSE_MS, clock, late);
    } catch (error) {
      log.debug({ error: String(error) }, "bus closed badly");
    }
  }

  #failed(why: string): void {
    const waitMs = Math.min(FIRST_RETRY_MS * 2 ** this.#failures, LAST_RETRY_MS);
    this.#failures = Math.min(this.#failures + 1, 10);
    this.#retryAtMs = this.#deps.clock.monoMs() + waitMs;
    this.#why = why;
    if (!this.#told) this.#deps.log.warn({ error: why }, "bus silent");
    this.#told = true;
  }
}
