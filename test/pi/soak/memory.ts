const DAY_MS = 86_400_000;

/** What the process held at one moment, after the garbage was collected. */
export interface Held {
  atMs: number;
  heapMb: number;
  residentMb: number;
}

/** Measures now. Node must run with --expose-gc. */
export function measure(atMs: number): Held {
  if (!globalThis.gc) throw new Error("run this with node --expose-gc");
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { atMs, heapMb: (heapUsed + external) / 2 ** 20, residentMb: rss / 2 ** 20 };
}

/** How fast it grows, in MB a day: the least-squares slope over the last two thirds of the time. */
export function growthMbPerDay(held: readonly Held[], what: "heapMb" | "residentMb"): number {
  const late = held.slice(Math.floor(held.length / 3));
  const mean = (of: (one: Held) => number) =>
    late.reduce((sum, one) => sum + of(one), 0) / late.length;
  const [time, size] = [mean(({ atMs }) => atMs), mean((one) => one[what])];
  const covariance = mean((one) => (one.atMs - time) * (one[what] - size));
  return (covariance / mean(({ atMs }) => (atMs - time) ** 2)) * DAY_MS;
}
