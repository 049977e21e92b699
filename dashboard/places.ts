import type { PointView } from "../contract/api.ts";
import { placeOf, roleOf } from "../contract/id.ts";
import type { Rack, SiteModel } from "../contract/site.ts";

/** `a03.inlet-top` → place `a03`; an index of what is measured where. */
export type PointsByPlace = ReadonlyMap<string, readonly string[]>;

export function byPlace(pointIds: readonly string[]): PointsByPlace {
  const places = new Map<string, string[]>();
  for (const id of pointIds) {
    const place = placeOf(id);
    if (place === undefined) continue;
    const list = places.get(place);
    if (list) list.push(id);
    else places.set(place, [id]);
  }
  return places;
}

export const isInlet = (pointId: string) => {
  const role = roleOf(pointId);
  return role === "inlet" || role.startsWith("inlet-");
};

const HEIGHTS = ["inlet-top", "inlet-mid", "inlet-bottom"];
/** Inlet points of a rack from top to bottom; any others after them. */
export function inletsOf(places: PointsByPlace, rack: string): string[] {
  const rank = (id: string) => {
    const at = HEIGHTS.indexOf(roleOf(id));
    return at === -1 ? HEIGHTS.length : at;
  };
  return (places.get(rack) ?? []).filter(isInlet).sort((a, b) => rank(a) - rank(b));
}

const ROLE_WORDS: Record<string, string> = {
  "inlet-top": "top",
  "inlet-mid": "middle",
  "inlet-bottom": "bottom",
  inlet: "inlet",
};
/** `top` for `inlet-top`; other roles as they are written, with spaces. */
export function heightWord(pointId: string): string {
  const role = roleOf(pointId);
  return ROLE_WORDS[role] ?? role.replaceAll("-", " ");
}

export function allRacks(site: SiteModel): Rack[] {
  return site.rooms.flatMap((room) => room.rows.flatMap((row) => row.racks));
}

/** What people call a place of the site model; the id itself when the model does not name it. */
export function placeLabels(site: SiteModel): ReadonlyMap<string, string> {
  const labels = new Map<string, string>();
  for (const rack of allRacks(site)) labels.set(rack.id, rack.label);
  for (const room of site.rooms)
    for (const { id, label } of [...room.cooling, ...room.doors]) labels.set(id, label);
  for (const { id, label } of site.power) labels.set(id, label);
  return labels;
}

/** `B05 top` on the wall. Falls back to the label its node gave. */
export function shortPointName(
  labels: ReadonlyMap<string, string>,
  point: Pick<PointView, "id" | "label">,
): string {
  const place = placeOf(point.id);
  const label = place === undefined ? undefined : labels.get(place);
  return label && isInlet(point.id) ? `${label} ${heightWord(point.id)}` : point.label;
}
