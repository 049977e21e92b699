import type { Band } from "../inlet-scale.ts";
import type { Showing } from "../staleness.ts";

export interface Watched {
  id: string;
  value: number;
  /** The band's nearer edge. */
  limit: number;
  /** Kelvin left; negative when outside. */
  toLimit: number;
}

/** Inlets in order of how little is left to the band's nearer edge. Only what is measured now can be in it. */
export function closestToLimit(
  inlets: readonly { id: string; shown: Showing }[],
  band: Band,
): Watched[] {
  return inlets
    .flatMap(({ id, shown }) => {
      if (shown.kind !== "value") return [];
      const toMax = band.maxC - shown.value;
      const toMin = shown.value - band.minC;
      const isWarm = toMax <= toMin;
      const limit = isWarm ? band.maxC : band.minC;
      return [{ id, value: shown.value, limit, toLimit: isWarm ? toMax : toMin }];
    })
    .sort((a, b) => a.toLimit - b.toLimit || a.id.localeCompare(b.id))
    .slice(0, 8);
}
