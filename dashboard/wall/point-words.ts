import type { PointView } from "../../contract/api.ts";
import { placeOf } from "../../contract/id.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import type { Showing } from "../staleness.ts";
import { shortAge } from "../time.ts";

/** `Running (1 = on or idle)` → `Running`, `on or idle`. */
function flagLabel(label: string): { name: string; one: string } {
  const match = /^(.*?)\s*\(1 = ([^)]+)\)$/.exec(label);
  return { name: match?.[1] ?? label, one: match?.[2] ?? "on" };
}

export function isLeak(point: Pick<PointView, "id" | "quantity">): boolean {
  return point.quantity === "flag" && placeOf(point.id) === "leak";
}

/** `Leak rope dry`, `Room 22.6 °C`, `Room no reading 4 min`. */
export function pointWords(point: PointView | undefined, shown: Showing): string {
  if (!point) return "";
  const flag = point.quantity === "flag";
  const name = flag ? flagLabel(point.label).name : point.label;
  switch (shown.kind) {
    case "never":
      return `${name} –`;
    case "stale":
    case "bad":
      return `${name} no reading ${shortAge(shown.ageMs)}`;
    case "value":
      return `${name} ${valueWords(point, shown.value)}`;
  }
}

/** A measured value in words: `wet`, `22.6 °C`, `standby`. */
export function valueWords(point: PointView, value: number): string {
  if (isLeak(point)) return value === 0 ? "dry" : "WET";
  if (point.quantity === "flag") {
    const { one } = flagLabel(point.label);
    return value === 0 ? `not ${one}` : one;
  }
  if (point.quantity === "state") return point.states?.[String(value)] ?? `code ${value}`;
  const { decimals } = QUANTITIES[point.quantity];
  return `${value.toFixed(decimals).replace("-", "−")} ${point.unit}`.trim();
}
