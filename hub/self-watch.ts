import type { Clock } from "../contract/clock.ts";
import type { Birth } from "../contract/message.ts";
import { good } from "../contract/reading.ts";
import type { LiveState } from "./live/live-state.ts";
import { VERSION } from "./version.ts";

/** The hub's own name among the nodes; no edge node can have it, because its topics are reserved. */
export const HUB_NODE = "hub";
/** 1 while readings do not reach the history store. */
export const HISTORY_FAILING_POINT = "hub.history-failing";

const PERIOD_MS = 5_000;
const LAGGING_MS = 30_000;

export interface SelfWatchDeps {
  live: Pick<LiveState, "announce" | "status" | "point" | "reading">;
  ingest: { storeError(): string | null; storeLagMs(): number };
  clock: Clock;
  bootId: string;
}

/** Makes the hub's own condition points like any other, so that the same rules and engine judge it. */
export async function runSelfWatch(deps: SelfWatchDeps, signal: AbortSignal): Promise<void> {
  const { live, ingest, clock } = deps;
  const startedAt = clock.nowMs();
  live.announce(selfBirth(deps.bootId, startedAt));
  live.status(HUB_NODE, { v: 1, state: "online", session: 0, at: startedAt });
  let lastAt = 0;
  while (!signal.aborted) {
    const failing = ingest.storeError() !== null || ingest.storeLagMs() > LAGGING_MS;
    const at = Math.max(clock.nowMs(), lastAt + 1);
    lastAt = at;
    const point = live.point(HISTORY_FAILING_POINT);
    if (point) live.reading(point, { point: point.info.id, at, ...good(failing ? 1 : 0) }, 0);
    await clock.sleep(PERIOD_MS, signal);
  }
}

function selfBirth(bootId: string, at: number): Birth {
  return {
    v: 1,
    node: HUB_NODE,
    label: "Hub",
    software: `plenum-hub ${VERSION}`,
    bootId,
    epoch: bootId,
    at,
    points: [
      {
        id: HISTORY_FAILING_POINT,
        quantity: "flag",
        label: "History store not writing",
        periodMs: PERIOD_MS,
      },
    ],
    doors: [],
  };
}
