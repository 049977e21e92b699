import type { Clock, EpochMs } from "../contract/clock.ts";
import type { Birth, PointInfo } from "../contract/message.ts";
import type { QuantityId } from "../contract/quantity.ts";
import { bad, good, type Reading } from "../contract/reading.ts";
import type { LiveState } from "./live/live-state.ts";
import { HUB_NODE } from "./own-nodes.ts";
import { VERSION } from "./version.ts";

export { HUB_NODE } from "./own-nodes.ts";

/** 1 while readings do not reach the history store. */
export const HISTORY_FAILING_POINT = "hub.history-failing";
/** 1 while the hub's clock differs from the clocks of all nodes. */
export const CLOCK_DIFFERS_POINT = "hub.clock-differs";

const PERIOD_MS = 5_000;

/** Something the hub measures of itself: the point `hub.<role>`. */
export interface OwnGauge {
  role: string;
  quantity: QuantityId;
  label: string;
  /** For quantity `state`: code → word. */
  states?: Record<string, string>;
  /** The value now; undefined when it cannot be had. */
  read(): number | undefined;
}

export interface SelfWatchDeps {
  live: Pick<LiveState, "announce" | "status" | "point" | "reading">;
  /** Asked each time, because nodes come and go. Roles are unique. */
  gauges(): readonly OwnGauge[];
  /** Puts the readings into the history; false when it has no room for them. */
  keep(readings: readonly Reading[]): boolean;
  /** Told of readings that never reached the history, once it takes them again. */
  onGap?(gap: { from: EpochMs; to: EpochMs; count: number }): void;
  clock: Clock;
  bootId: string;
}

/** Makes the hub's own condition points like any other, so that the same rules and engine judge it. */
export async function runSelfWatch(deps: SelfWatchDeps, signal: AbortSignal): Promise<void> {
  const watch = new SelfWatch(deps);
  while (!signal.aborted) {
    watch.look();
    await deps.clock.sleep(PERIOD_MS, signal);
  }
}

class SelfWatch {
  readonly #deps: SelfWatchDeps;
  readonly #startedAt: EpochMs;
  #offered = "";
  #lastAt = 0;
  #gap: { from: EpochMs; to: EpochMs; count: number } | undefined;

  constructor(deps: SelfWatchDeps) {
    this.#deps = deps;
    this.#startedAt = deps.clock.nowMs();
  }

  look(): void {
    const { live, clock } = this.#deps;
    const gauges = this.#deps.gauges();
    this.#offer(gauges);
    // A clock that is set back must not silence the watch.
    const at = Math.max(clock.nowMs(), this.#lastAt + 1);
    this.#lastAt = at;
    const readings = gauges.map((gauge) => readingOf(gauge, at));
    for (const reading of readings) {
      const point = live.point(reading.point);
      if (point?.node === HUB_NODE) live.reading(point, reading, 0);
    }
    this.#keep(readings, at);
  }

  /** Announces the points anew whenever there are others than before. */
  #offer(gauges: readonly OwnGauge[]): void {
    const { live, bootId } = this.#deps;
    const points = gauges.map(pointOf);
    const offered = JSON.stringify(points);
    if (offered === this.#offered) return;
    const first = this.#offered === "";
    this.#offered = offered;
    const at = this.#startedAt;
    const birth: Birth = {
      ...{ v: 1, node: HUB_NODE, label: "Hub", software: `plenum-hub ${VERSION}` },
      ...{ bootId, epoch: bootId, at, points, doors: [] },
    };
    live.announce(birth);
    if (first) live.status(HUB_NODE, { v: 1, state: "online", session: 0, at });
  }

  #keep(readings: readonly Reading[], at: EpochMs): void {
    const { keep, onGap } = this.#deps;
    if (!keep(readings)) {
      this.#gap ??= { from: at, to: at, count: 0 };
      this.#gap.to = at;
      this.#gap.count += readings.length;
    } else if (this.#gap) {
      onGap?.(this.#gap);
      this.#gap = undefined;
    }
  }
}

const pointOf = ({ role, quantity, label, states }: OwnGauge): PointInfo => ({
  ...{ id: `${HUB_NODE}.${role}`, quantity, label: label.slice(0, 120), periodMs: PERIOD_MS },
  ...(states && { states }),
});

function readingOf({ role, read }: OwnGauge, at: EpochMs): Reading {
  const value = read();
  const measured = value === undefined ? bad("not-available") : good(value);
  return { point: `${HUB_NODE}.${role}`, at, ...measured };
}
