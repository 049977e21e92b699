import { createHash, timingSafeEqual } from "node:crypto";
import { HUB_TOPICS } from "../broker/node-rules.ts";
import type { ForeignFeed } from "./feed.ts";
import type { Guest, Guests } from "./guest.ts";
import type { ReaderAccount } from "./mapping.ts";

export interface GuestBookDeps {
  feeds: readonly ForeignFeed[];
  readers: readonly ReaderAccount[];
  /** First levels of the topics that readers may read besides the hub's own. */
  readable: readonly string[];
  /** A reader may read from here on. */
  onReader(filter: string): void;
}

interface Entry {
  digest: Buffer;
  guest: Guest;
}

const digestOf = (text: string | Uint8Array) => createHash("sha256").update(text).digest();
const NOBODY = digestOf("");

/** Who may enter the broker with which password. Only digests of passwords stay in memory here. */
export function guestBook({ feeds, readers, readable, onReader }: GuestBookDeps): Guests {
  const entries = new Map<string, Entry>();
  for (const feed of feeds) {
    const { id, password } = feed.account;
    entries.set(id, { digest: digestOf(password), guest: feedGuest(feed) });
  }
  const prefixes = [HUB_TOPICS, ...readable.map((first) => `${first}/`)];
  for (const { id, password } of readers) {
    const guest: Guest = {
      account: id,
      // Home Assistant announces itself; what it says is of no use here and no reason to cut it off.
      take: () => undefined,
      mayWill: () => false,
      maySubscribe: (filter) => prefixes.some((prefix) => filter.startsWith(prefix)),
      subscribed: onReader,
    };
    entries.set(id, { digest: digestOf(password), guest });
  }
  return {
    admit(user, password) {
      const entry = entries.get(user);
      const right = timingSafeEqual(digestOf(password ?? ""), entry?.digest ?? NOBODY);
      return entry && right ? entry.guest : undefined;
    },
    isReserved: (id) => entries.has(id),
  };
}

function feedGuest(feed: ForeignFeed): Guest {
  return {
    account: feed.account.id,
    take: (topic, payload) => feed.take(topic, payload),
    mayWill: (topic) => feed.knows(topic),
    maySubscribe: () => false,
    subscribed: () => undefined,
  };
}
