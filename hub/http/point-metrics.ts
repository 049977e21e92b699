import { placeOf } from "../../contract/id.ts";
import { QUANTITIES, type QuantityId } from "../../contract/quantity.ts";
import type { HttpSources } from "./sources.ts";

export type Labels = Record<string, string>;
type AddGauge = (name: string, help: string, value: number, labels: Labels) => void;

const QUALITY = { good: 0, uncertain: 1, bad: 2 } as const;

/** `dewPoint` → `plenum_point_dew_point`. The ending `_count` belongs to histograms. */
export function gaugeName(quantity: QuantityId): string {
  if (quantity === "count") return "plenum_point_counted";
  return `plenum_point_${quantity.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)}`;
}

/**
 * Every point of the edge nodes. A value that is bad, stale or was never measured is absent: a graph must
 * show a hole, not a zero or the last value. Quality and age say why.
 */
export function pointGauges(
  { live, clock }: Pick<HttpSources, "live" | "clock">,
  isShown: (node: string) => boolean,
  gauge: AddGauge,
): void {
  const now = clock.nowMs();
  for (const point of live.points()) {
    const { info, node, reading } = point;
    if (!isShown(node) || !reading) continue;
    const { unit, label } = QUANTITIES[info.quantity];
    const at = { point: info.id, place: placeOf(info.id) ?? "", node };
    const stale = live.isStale(point, now);
    if (reading.quality !== "bad" && !stale)
      gauge(gaugeName(info.quantity), `${label} as measured now`, reading.value, { ...at, unit });
    const quality = QUALITY[reading.quality];
    gauge("plenum_point_quality", "0 good, 1 uncertain, 2 bad", quality, at);
    const ageS = (live.ageMs(point, now) ?? 0) / 1_000;
    gauge("plenum_point_age_seconds", "Since the newest reading was taken", ageS, at);
  }
}
