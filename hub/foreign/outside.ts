import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { HomeAssistant } from "../home-assistant/discovery.ts";
import type { Ingest } from "../ingest/ingest.ts";
import type { LiveState } from "../live/live-state.ts";
import type { HubDb } from "../state/hub-db.ts";
import { ForeignFeed } from "./feed.ts";
import type { Guests } from "./guest.ts";
import { guestBook } from "./guest-book.ts";

const TICK_MS = 1_000;

export interface OutsideDeps {
  live: LiveState;
  ingest: Pick<Ingest, "takeOwn">;
  db: HubDb;
  publish(topic: string, payload: string, options: { retain: boolean; qos: 0 | 1 }): void;
  clock: Clock;
  log: Logger;
}

/** Everything on the broker that is no edge node: other makers' devices, and programs that read. */
export interface Outside {
  /** Undefined when the site has none: then nobody enters with a password. */
  guests: Guests | undefined;
  run(signal: AbortSignal): Promise<void>;
}

export function openOutside(config: HubConfig, deps: OutsideDeps): Outside {
  const { foreign = [], readers = [], homeAssistant = null, site } = config;
  const { live, ingest, clock, log } = deps;
  const store = ingest.takeOwn.bind(ingest);
  const feeds = foreign.map((account) => new ForeignFeed(account, { live, store, clock, log }));
  for (const feed of feeds) feed.begin();
  const discovery = new HomeAssistant({ ...deps, config: homeAssistant, site });
  const guests =
    foreign.length + readers.length === 0
      ? undefined
      : guestBook({ feeds, readers, readable: discovery.prefixes(), onReader: discovery.onReader });
  return {
    guests,
    async run(signal) {
      const telling = discovery.run(signal);
      while (!signal.aborted) {
        for (const feed of feeds) feed.tick();
        await clock.sleep(TICK_MS, signal);
      }
      for (const feed of feeds) feed.tick();
      await telling;
    },
  };
}
