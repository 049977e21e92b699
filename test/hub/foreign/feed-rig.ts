import { pino } from "pino";
import type { Reading } from "../../../contract/reading.ts";
import { ForeignFeed } from "../../../hub/foreign/feed.ts";
import type { ForeignAccount } from "../../../hub/foreign/mapping.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

const log = pino({ level: "silent" });

/** The feeds of some accounts over real live state; the store is a list that may be full. */
export class FeedRig {
  readonly stored: Reading[] = [];
  readonly live: LiveState;
  readonly clock: FakeClock;
  readonly db: HubDb;
  readonly #feeds: Map<string, ForeignFeed>;
  full = false;

  constructor(
    accounts: readonly ForeignAccount[],
    clock = new FakeClock(),
    db: HubDb = openHubDb(":memory:"),
  ) {
    this.clock = clock;
    this.db = db;
    this.live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
    const { live } = this;
    const store = (_node: string, _epoch: string, readings: readonly Reading[]) => {
      if (!this.full) this.stored.push(...readings);
      return !this.full;
    };
    this.#feeds = new Map(
      accounts.map((account) => [
        account.id,
        new ForeignFeed(account, { live, store, clock, log }),
      ]),
    );
    for (const feed of this.#feeds.values()) feed.begin();
  }

  feed(account: string): ForeignFeed {
    const feed = this.#feeds.get(account);
    if (!feed) throw new RangeError(`no account ${account}`);
    return feed;
  }

  /** A device's message, passed on to the store at once. */
  say(account: string, topic: string, payload: unknown): void {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    const feed = this.feed(account);
    feed.take(topic, Buffer.from(text));
    feed.tick();
  }

  reading(point: string): Reading | null | undefined {
    return this.live.point(point)?.reading;
  }

  refused(account: string): number {
    return this.live.node(account)?.refused ?? 0;
  }
}
