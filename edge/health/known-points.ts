import type { PointInfo } from "../../contract/message.ts";
import type { Memory } from "../doors/pulse-loop.ts";

const NAME = "own-points";

/**
 * Those of the node's own points that were ever measured. A point is announced when its first value is there:
 * one that is announced before counts as silent, and the wall would not say "Normal" for that long. Once
 * announced it stays so, also after a restart, as rows of it may wait in the spool.
 */
export class KnownPoints {
  readonly #points: readonly PointInfo[];
  readonly #memory: Memory;
  readonly #announce: () => void;
  readonly #known: Set<string>;

  constructor(deps: { points: readonly PointInfo[]; memory: Memory; announce: () => void }) {
    this.#points = deps.points;
    this.#memory = deps.memory;
    this.#announce = deps.announce;
    this.#known = new Set(deps.memory.recall(NAME)?.split(" ") ?? []);
  }

  /** What the birth says of them. */
  infos(): PointInfo[] {
    return this.#points.filter(({ id }) => this.#known.has(id));
  }

  /** There is a first value, or a failure that is worth a reading; the birth goes out before it. */
  add(point: string): void {
    if (this.#known.has(point)) return;
    this.#known.add(point);
    const kept = this.#points.filter(({ id }) => this.#known.has(id)).map(({ id }) => id);
    this.#memory.remember(NAME, kept.join(" "));
    this.#announce();
  }
}
