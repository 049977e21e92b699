import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";

/** Logs that a device fell silent and that it is back, and nothing in between. */
export class Silence {
  readonly #device: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  #since: number | undefined;
  #missed = 0;

  constructor(device: string, clock: Clock, log: Logger) {
    this.#device = device;
    this.#clock = clock;
    this.#log = log;
  }

  failed(error: Error): void {
    this.#missed += 1;
    if (this.#since !== undefined) return;
    this.#since = this.#clock.monoMs();
    this.#log.warn({ device: this.#device, error: error.message }, "device silent");
  }

  worked(): void {
    if (this.#since === undefined) return;
    const silentMs = Math.round(this.#clock.monoMs() - this.#since);
    this.#log.info({ device: this.#device, silentMs, missed: this.#missed }, "device back");
    this.#since = undefined;
    this.#missed = 0;
  }
}
