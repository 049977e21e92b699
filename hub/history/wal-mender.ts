import { randomBytes } from "node:crypto";
import type { EpochMs } from "../../contract/clock.ts";
import { floorTo } from "./aggregate.ts";
import type { InfluxConnection } from "./influx-connection.ts";
import { StoreError } from "./store.ts";

/**
 * A full disk cuts InfluxDB 1.x off in the middle of an entry of its write-ahead log. It then refuses
 * until it is restarted, and goes on behind the torn entry; but at the start after that it reads no
 * further than the tear: what it had confirmed since is gone (seen on 1.6.7). Only a new file of the log
 * is sound again, and one begins after 10 MB. So after such a refusal that much is written to each shard
 * concerned, and removed again, before anything is called stored.
 */
const TORN = /error writing WAL entry/;
/** No shard is shorter, so there is filler in each that a refused batch went to. */
const SHORTEST_SHARD_MS = 86_400_000;
/** More shards than any batch has; beyond it the oldest is forgotten. */
const MAX_TORN = 1_000;
const FILLER = "plenum_filler";
const FILLER_POSTS = 6;
const LINES_PER_POST = 40;
/** 40 lines of 64,000 characters that compress little: 2.5 MB a post, 15 MB a shard. */
const BYTES_PER_LINE = 48_000;

export class WalMender {
  readonly #connection: InfluxConnection;
  readonly #torn = new Map<string, Set<EpochMs>>();

  constructor(connection: InfluxConnection) {
    this.#connection = connection;
  }

  /** Remembers which shards a refused write may have torn. */
  noteRefusal(database: string, why: string, times: Iterable<EpochMs>): void {
    if (!TORN.test(why)) return;
    const days = this.#torn.get(database) ?? new Set();
    for (const at of times) days.add(floorTo(at, SHORTEST_SHARD_MS));
    for (const day of days) if (days.size > MAX_TORN) days.delete(day);
    this.#torn.set(database, days);
  }

  isTorn(database: string): boolean {
    return this.#torn.has(database);
  }

  /** Makes new log files begin. What was written since the tear must be written again after it. */
  async mend(database: string, signal?: AbortSignal): Promise<void> {
    for (const day of this.#torn.get(database) ?? []) {
      for (let post = 0; post < FILLER_POSTS; post += 1) {
        const answer = await this.#connection.write(database, filler(day), LINES_PER_POST, signal);
        // A day beyond the retention has no shard any more, and so nothing torn.
        if (answer.kind === "all-poison") break;
        if (answer.kind !== "stored") throw new StoreError("retry", answer.why);
      }
    }
    this.#torn.delete(database);
    await this.#connection.tell(`DELETE FROM "${FILLER}"`, { database, signal });
  }
}

function filler(day: EpochMs): string {
  return Array.from({ length: LINES_PER_POST }, (_, i) => {
    const text = randomBytes(BYTES_PER_LINE).toString("base64");
    return `${FILLER} text="${text}" ${day + i}\n`;
  }).join("");
}
