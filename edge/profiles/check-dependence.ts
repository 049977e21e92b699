import { stationKey } from "./address.ts";
import type { Report } from "./check.ts";
import { type FieldType, isText, type RawPoint, type RawProfile } from "./schema.ts";

/** What a scale, a condition or a variant may be taken from: a number that depends on nothing itself. */
const NOT_A_KEY: readonly FieldType[] = ["f32", "f64", "bitfield16", "bitfield32"];

/** Whether the points that this one leans on exist, are whole numbers and stand in the same unit. */
export function checkDependence(point: RawPoint, raw: RawProfile, report: Report): void {
  if (point.when) checkKey(point, point.when.of, "when");
  if (point.scaleFrom !== undefined) checkKey(point, point.scaleFrom, "scaleFrom");
  for (const { when } of point.variants ?? []) checkKey(point, when.of, "variants");
  if (!point.type) return;
  const scaled = ["scale", "offset", "convert", "scaleFrom", "variants"] as const;
  const plain = isText(point.type) || /^bit|^enum/.test(point.type);
  for (const key of scaled)
    if (plain && point[key] !== undefined) report(`${point.type} has no scale`, key);

  function checkKey({ id }: RawPoint, of: string, place: string): void {
    const key = raw.points.find((other) => other.id === of);
    if (!key?.type) report(`"${of}" is not a point with an address`, place);
    else if (of === id) report("a point cannot depend on itself", place);
    else if (isText(key.type) || NOT_A_KEY.includes(key.type))
      report(`"${of}" is ${key.type}, not a whole number`, place);
    else if (key.when || key.variants || key.scaleFrom !== undefined)
      report(`"${of}" depends on another point itself`, place);
    else if (stationKey(key) !== stationKey(point)) report(`"${of}" stands in another unit`, place);
  }
}
