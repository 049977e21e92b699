import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { ackSchema } from "../../contract/message.ts";
import type { Spool } from "../spool/spool.ts";
import { parseJson } from "./json.ts";
import type { Link } from "./link.ts";
import { wireRows } from "./wire.ts";

/** At most so many sequence numbers are under way without the hub's acknowledgement. */
export const WINDOW_ROWS = 2_000;
export const BATCH_ROWS = 250;
export const FIRST_RESEND_MS = 3_000;
export const LONGEST_RESEND_MS = 60_000;
/** A broker that leaves so many messages unconfirmed is not keeping up: nothing more is sent. */
const MAX_IN_FLIGHT = 32;

export interface DataLaneDeps {
  topic: string;
  link: Pick<Link, "publish" | "inFlight">;
  spool: Spool;
  clock: Clock;
  log: Logger;
}

/**
 * Sends the spool in order over one connection and deletes only what the hub says it has stored.
 * It holds no row itself: whatever is not acknowledged is read again from the spool.
 */
export class DataLane {
  readonly #deps: DataLaneDeps;
  #cursor: number;
  #resendMs = FIRST_RESEND_MS;
  #resendAtMs: number | undefined;

  constructor(deps: DataLaneDeps) {
    this.#deps = deps;
    this.#cursor = deps.spool.floor;
  }

  /** When `pump` wants to be called although nothing happened; undefined when all sent is acknowledged. */
  get dueMs(): number | undefined {
    return this.#resendAtMs;
  }

  /** Sends what the window allows; without acknowledgement for too long, again from the lowest row. */
  pump(): void {
    const { spool, clock, link } = this.#deps;
    const nowMs = clock.monoMs();
    this.#cursor = Math.max(this.#cursor, spool.floor);
    if (this.#resendAtMs !== undefined && nowMs >= this.#resendAtMs) {
      this.#resendMs = Math.min(LONGEST_RESEND_MS, this.#resendMs * 2);
      this.#resendAtMs = nowMs + this.#resendMs;
      this.#cursor = spool.floor;
    }
    while (this.#cursor - spool.floor < WINDOW_ROWS && link.inFlight < MAX_IN_FLIGHT) {
      if (!this.#sendBatch()) break;
      this.#resendAtMs ??= nowMs + this.#resendMs;
    }
  }

  /** Takes an `ack` payload; anything that is not one for this spool is logged and changes nothing. */
  ack(payload: Uint8Array): void {
    const { spool, clock, log } = this.#deps;
    const ack = ackSchema.safeParse(parseJson(payload));
    if (!ack.success) {
      log.warn("acknowledgement not understood");
      return;
    }
    const { epoch, upto } = ack.data;
    const before = spool.floor;
    if (!spool.ack(epoch, upto)) {
      log.warn({ epoch, upto, last: spool.last }, "acknowledgement of another spool ignored");
      return;
    }
    if (spool.floor === before) return;
    this.#resendMs = FIRST_RESEND_MS;
    const allStored = spool.floor >= this.#cursor;
    this.#resendAtMs = allStored ? undefined : clock.monoMs() + this.#resendMs;
  }

  /** Sends everything not acknowledged once more, at once. */
  restart(): void {
    this.#cursor = this.#deps.spool.floor;
    this.#resendMs = FIRST_RESEND_MS;
    this.#resendAtMs = undefined;
  }

  #sendBatch(): boolean {
    const { spool, link, topic, log } = this.#deps;
    const batch = spool.batch(this.#cursor, BATCH_ROWS);
    if (!batch) return false;
    const { rows, next } = wireRows(batch);
    if (rows.length === 0) return false;
    const head = JSON.stringify({ epoch: spool.epoch, floor: spool.floor, first: batch.first });
    link
      .publish(topic, `${head.slice(0, -1)},"rows":[${rows.join(",")}]}`, { qos: 1 })
      // The connection is ending; the rows are still in the spool.
      .catch((error: Error) => log.debug({ error: error.message }, "batch not delivered"));
    this.#cursor = next;
    return true;
  }
}
