import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { MAX_ROWS } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { encodeReading } from "../../contract/row.ts";
import type { Link } from "./link.ts";

/** At most four messages a second, whatever changes. */
export const LIVE_EVERY_MS = 250;

export interface LiveLaneDeps {
  topic: string;
  link: Pick<Link, "publish">;
  clock: Clock;
  log: Logger;
}

/**
 * Sends the newest value of each point over one connection. It holds one reading per point: a value
 * that was never sent is replaced by its successor, because the data lane carries every one.
 */
export class LiveLane {
  readonly #deps: LiveLaneDeps;
  readonly #waiting: Map<string, Reading>;
  #nextMs = 0;
  #urgent = false;
  #sending = false;

  /** Begins with everything that is known. */
  constructor(deps: LiveLaneDeps, newest: Iterable<Reading>) {
    this.#deps = deps;
    this.#waiting = new Map([...newest].map((reading) => [reading.point, reading]));
  }

  /** When `pump` wants to be called; undefined when there is nothing to send or a message is on its way. */
  get dueMs(): number | undefined {
    if (this.#waiting.size === 0 || this.#sending) return undefined;
    return this.#urgent ? 0 : this.#nextMs;
  }

  /** An urgent reading (a door) does not wait for the next quarter second. */
  add(reading: Reading, urgent: boolean): void {
    // Begin at the back of the queue, or a point that always changes would keep others out.
    this.#waiting.delete(reading.point);
    this.#waiting.set(reading.point, reading);
    this.#urgent ||= urgent;
  }

  /** Sends one message if it is due. `sent` is called once the next may go. */
  pump(sent: () => void): void {
    const { clock, link, topic, log } = this.#deps;
    const nowMs = clock.monoMs();
    if (this.dueMs === undefined || nowMs < this.dueMs) return;
    const batch = [...this.#waiting.values()]
      .slice(this.#urgent ? -MAX_ROWS : 0)
      .slice(0, MAX_ROWS);
    for (const { point } of batch) this.#waiting.delete(point);
    this.#urgent = false;
    this.#nextMs = nowMs + LIVE_EVERY_MS;
    this.#sending = true;
    link
      .publish(topic, JSON.stringify({ at: clock.nowMs(), rows: batch.map(encodeReading) }))
      .catch((error: Error) => log.debug({ error: error.message }, "live values not delivered"))
      .finally(() => {
        this.#sending = false;
        sent();
      });
  }
}
