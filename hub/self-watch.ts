import type { Clock } from "../contract/clock.ts";
import type { Birth, PointInfo } from "../contract/message.ts";
import { good } from "../contract/reading.ts";
import type { LiveState } from "./live/live-state.ts";
import { VERSION } from "./version.ts";

/** The hub's own name among the nodes; no edge node can have it, because its topics are reserved. */
export const HUB_NODE = "hub";
/** 1 while readings do not reach the history store. */
export const HISTORY_FAILING_POINT = "hub.history-failing";
/** 1 while the hub's clock differs from the clocks of all nodes. */
export const CLOCK_DIFFERS_POINT = "hub.clock-differs";

const PERIOD_MS = 5_000;
const LAGGING_MS = 30_000;

export interface SelfWatchDeps {
  live: Pick<LiveState, "announce" | "status" | "point" | "reading">;
  ingest: { storeError(): string | null; storeLagMs(): number; clockDiffers(): boolean };
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
    const flags = [
      [HISTORY_FAILING_POINT, failing],
      [CLOCK_DIFFERS_POINT, ingest.clockDiffers()],
    ] as const;
    for (const [id, wrong] of flags) {
      const point = live.point(id);
      if (point) live.reading(point, { point: id, at, ...good(wrong ? 1 : 0) }, 0);
    }
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
      flagPoint(HISTORY_FAILING_POINT, "History store not writing"),
      flagPoint(CLOCK_DIFFERS_POINT, "Hub clock differs from all nodes"),
    ],
    doors: [],
  };
}

function flagPoint(id: string, label: string): PointInfo {
  return { id, quantity: "flag", label, periodMs: PERIOD_MS };
}
