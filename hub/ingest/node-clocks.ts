import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { LiveState } from "../live/live-state.ts";

/** A difference to every node's clock above this is worth an alarm. */
const DIFFERS_MS = 60_000;
/** A node that has said nothing for this long is no witness. */
const WITNESS_MS = 5 * 60_000;

interface Said {
  at: EpochMs;
  /** The hub's monotonic time when it came, so that setting the hub's clock shows at once. */
  heardMs: number;
}

/**
 * What time the nodes have, from their status and live messages. One node that differs is wrong; when
 * the hub differs from every node that is online, and they all to the same side, the hub is wrong.
 */
export class NodeClocks {
  readonly #clock: Clock;
  readonly #live: Pick<LiveState, "node">;
  /** Of announced nodes only, so there are at most `MAX_NODES`. */
  readonly #said = new Map<string, Said>();

  constructor({ clock, live }: { clock: Clock; live: Pick<LiveState, "node"> }) {
    this.#clock = clock;
    this.#live = live;
  }

  /** Notes the time at which a node sent a message, by its own clock. */
  heard(node: string, at: EpochMs): void {
    const said = this.#said.get(node);
    const heardMs = this.#clock.monoMs();
    const live = this.#live.node(node);
    if (live) live.skewMs = at - this.#clock.nowMs();
    if (!said) this.#said.set(node, { at, heardMs });
    else Object.assign(said, { at, heardMs });
  }

  /** True when every node that is online is more than `ms` ahead of the hub. False without any. */
  hubIsBehindBy(ms: number): boolean {
    return this.#leastAheadMs(1) > ms;
  }

  /** True when every node that is online is more than `ms` behind the hub. False without any. */
  hubIsAheadBy(ms: number): boolean {
    return this.#leastAheadMs(-1) > ms;
  }

  /** True when the hub's clock is a minute or more away from those of all nodes. */
  hubDiffers(): boolean {
    return this.#leastAheadMs(1) > DIFFERS_MS || this.#leastAheadMs(-1) > DIFFERS_MS;
  }

  /** By how much the node least ahead of the hub is (behind it, with sign −1). −Infinity without a witness. */
  #leastAheadMs(sign: 1 | -1): number {
    const now = this.#clock.nowMs();
    const mono = this.#clock.monoMs();
    let least = Number.POSITIVE_INFINITY;
    for (const [id, { at, heardMs }] of this.#said) {
      const node = this.#live.node(id);
      if (!node) this.#said.delete(id);
      if (!node?.online || mono - heardMs > WITNESS_MS) continue;
      least = Math.min(least, sign * (at + (mono - heardMs) - now));
    }
    return least === Number.POSITIVE_INFINITY ? Number.NEGATIVE_INFINITY : least;
  }
}
