import type { Clock } from "../../contract/clock.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { OwnGauge } from "../self-watch.ts";
import { shortName } from "../short-name.ts";

/** A screen says every minute that it paints; after three it has missed, nobody should trust it. */
export const WALL_SILENT_MS = 180_000;

/** The screens on the walls: each token of the role wall is one. */
export class Walls {
  readonly #clock: Pick<Clock, "monoMs">;
  /** Monotonic time of the last word; of the start, before the first. */
  readonly #heardMs: Map<string, number>;

  constructor(names: readonly string[], clock: Pick<Clock, "monoMs">) {
    this.#clock = clock;
    this.#heardMs = new Map(names.map((name) => [name, clock.monoMs()]));
  }

  /** A screen has painted what the hub said. Who is no wall screen is not watched. */
  heard(name: string): void {
    if (this.#heardMs.has(name)) this.#heardMs.set(name, this.#clock.monoMs());
  }

  gauges = (): OwnGauge[] =>
    [...this.#heardMs.keys()].map((name) => ({
      ...{
        role: `wall.${shortName(name)}`,
        quantity: "flag",
        label: `Wall screen ${name} shows nothing`,
      },
      read: () => (this.#clock.monoMs() - this.#heardMs.get(name)! > WALL_SILENT_MS ? 1 : 0),
    }));
}

export const wallRule = (receivers: readonly string[]): SiteRule => ({
  ...{ id: "wall-silent", points: ["hub.wall.*"], nodes: [], priority: 3, latch: false },
  ...{ condition: { kind: "digital", equals: 1 }, onDelayMs: 0, offDelayMs: 0 },
  title: "{label}",
  runbook:
    "The screen has not painted for three minutes: it is off, its browser hangs, or it does not reach the hub. " +
    "Look at it. A screen that was taken down: remove its token from site.yaml.",
  receivers: [...receivers],
});
