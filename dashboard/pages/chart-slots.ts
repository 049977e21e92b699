import type { Bucket } from "../../contract/api.ts";

import { type Coverage, isIn } from "./chart-holes.ts";

export interface ChartRange {
  fromMs: number;
  toMs: number;
  stepMs: number;
}
/** A hole longer than this many steps breaks the line. */
export const GAP_STEPS = 3;

/**
 * Lines for uPlot: seconds, then one row of values for each series, `null` where the line must break: at
 * every hole the hub knows of, however short, and otherwise at long ones.
 */
export function chartSlots(
  series: readonly { buckets: readonly Bucket[]; coverage?: Coverage | null }[],
  { fromMs, toMs, stepMs }: ChartRange,
): [number[], ...(number | null | undefined)[][]] {
  const count = Math.max(0, Math.round((toMs - fromMs) / stepMs));
  const times = Array.from({ length: count }, (_, i) => (fromMs + i * stepMs) / 1_000);
  const rows = series.map(({ buckets, coverage }) => {
    const values: (number | null | undefined)[] = Array.from({ length: count }, () => undefined);
    for (const { at, mean } of buckets) {
      const place = Math.floor((at - fromMs) / stepMs);
      if (place >= 0 && place < count) values[place] = mean;
    }
    const missing = coverage?.missing ?? [];
    if (missing.length > 0)
      for (let i = 0; i < count; i++)
        if (values[i] === undefined && isIn(missing, fromMs + (i + 0.5) * stepMs)) values[i] = null;
    breakLongHoles(values);
    return values;
  });
  return [times, ...rows];
}

/** `undefined` is bridged by the chart, `null` breaks it: short holes stay bridged, longer ones break. */
function breakLongHoles(values: (number | null | undefined)[]): void {
  let start = -1;
  for (let i = 0; i <= values.length; i++) {
    const isHole = i < values.length && values[i] === undefined;
    if (isHole && start === -1) start = i;
    if (isHole || start === -1) continue;
    if (i - start >= GAP_STEPS || start === 0 || i === values.length) values.fill(null, start, i);
    start = -1;
  }
}
