import type { Clock } from "../contract/clock.ts";

const SPAN_MS = 600_000;
const SAMPLE_MS = 10_000;

/** By how much a counter has grown within the last ten minutes. Holds at most 61 samples. */
export class RecentCount {
  readonly #total: () => number;
  readonly #clock: Pick<Clock, "monoMs">;
  #samples: { atMs: number; total: number }[] = [];

  constructor(total: () => number, clock: Pick<Clock, "monoMs">) {
    this.#total = total;
    this.#clock = clock;
    this.#samples.push({ atMs: clock.monoMs(), total: total() });
  }

  recent(): number {
    const atMs = this.#clock.monoMs();
    const total = this.#total();
    this.#samples = this.#samples.filter((sample) => sample.atMs >= atMs - SPAN_MS);
    const last = this.#samples.at(-1);
    if (!last || atMs - last.atMs >= SAMPLE_MS) this.#samples.push({ atMs, total });
    return Math.max(0, total - (this.#samples[0]?.total ?? total));
  }
}
