import type { BadReason } from "../../contract/reading.ts";
import type { Decoded } from "./decode.ts";
import type { Condition, Field } from "./schema.ts";

/** What other fields of the same device hold; undefined for one that has not been read yet. */
export type Lookup = (fieldId: string) => Decoded | undefined;

/** For fields that depend on no other. */
export const NOTHING_KNOWN: Lookup = () => undefined;

export interface Scaling {
  scale: number;
  offset: number;
  convert?: "degF->degC" | undefined;
}

/** A power of ten beyond this is no scale that a device means. */
const MOST_EXPONENT = 12;

/** How a field's number becomes its quantity, or why that cannot be said. */
export function scalingOf(field: Field, lookup: Lookup): Scaling | { reason: BadReason } {
  const { scale, offset, convert, when, variants, scaleFrom } = field;
  // Nearly every field; nothing is made for it, as this runs for every value.
  if (!when && !variants && scaleFrom === undefined) return field;
  if (when) {
    const held = holds(when, lookup);
    if (held !== true) return { reason: held || "unsupported" };
  }
  const own = { scale, offset, convert };
  const chosen = variants ? variantOf(variants, own, lookup) : own;
  if ("reason" in chosen || scaleFrom === undefined) return chosen;
  const exponent = numberOf(scaleFrom, lookup);
  if (typeof exponent === "string") return { reason: exponent };
  if (!Number.isInteger(exponent) || Math.abs(exponent) > MOST_EXPONENT) return { reason: "range" };
  return { ...chosen, scale: chosen.scale * 10 ** exponent };
}

/** The first variant whose condition holds. While one of them cannot be judged, none is taken. */
function variantOf(
  variants: NonNullable<Field["variants"]>,
  own: Scaling,
  lookup: Lookup,
): Scaling | { reason: BadReason } {
  for (const { when, scale, offset, convert } of variants) {
    const held = holds(when, lookup);
    if (typeof held === "string") return { reason: held };
    if (held)
      return {
        scale: scale ?? own.scale,
        offset: offset ?? own.offset,
        convert: convert ?? own.convert,
      };
  }
  return { reason: "unsupported" };
}

function holds({ of, any }: Condition, lookup: Lookup): boolean | BadReason {
  const value = numberOf(of, lookup);
  return typeof value === "string" ? value : any.includes(value);
}

function numberOf(id: string, lookup: Lookup): number | BadReason {
  const decoded = lookup(id);
  if (!decoded) return "not-ready";
  if ("reason" in decoded) return decoded.reason;
  return typeof decoded.value === "number" ? decoded.value : "unsupported";
}

/** The ids of the fields that must be known before this one can be decoded. */
export function keysOf({ when, variants, scaleFrom }: Field): string[] {
  const conditions = [when, ...(variants ?? []).map((variant) => variant.when)];
  const ids = conditions.flatMap((condition) => condition?.of ?? []);
  return [...ids, ...(scaleFrom === undefined ? [] : [scaleFrom])];
}
