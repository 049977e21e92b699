import { placeOf } from "../../contract/id.ts";
import type { SiteModel } from "../../contract/site.ts";

/** Where a point is, as people say it. Either may be unknown. */
export interface Place {
  /** The rack, unit, door or room itself: `A03`. */
  label: string | null;
  /** The room it stands in: `Hall A`. */
  room: string | null;
}

/** Finds the place of a point or node by its name. */
export type PlaceOf = (point: string) => Place;

export function placeNames(site: SiteModel | undefined): PlaceOf {
  const places = new Map<string, Place>();
  const points = new Map<string, Place>();
  for (const room of site?.rooms ?? []) {
    const add = (id: string, label: string) => places.set(id, { label, room: room.label });
    places.set(room.id, { label: room.label, room: null });
    for (const row of room.rows) for (const rack of row.racks) add(rack.id, rack.label);
    for (const unit of [...room.cooling, ...room.doors]) add(unit.id, unit.label);
    const shown = [...room.points, ...room.aisles.flatMap((aisle) => aisle.points)];
    for (const point of shown) points.set(point, { label: null, room: room.label });
  }
  for (const unit of site?.power ?? []) places.set(unit.id, { label: unit.label, room: null });
  return (point) => {
    const place = placeOf(point);
    const known = place === undefined ? undefined : places.get(place);
    return known ?? points.get(point) ?? { label: null, room: null };
  };
}
