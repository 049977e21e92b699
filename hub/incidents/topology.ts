import { placeOf } from "../../contract/id.ts";
import type { PowerUnit, Room, SiteModel } from "../../contract/site.ts";

export type PlaceKind =
  | PowerUnit["kind"]
  | "cooling"
  | "rack"
  | "door"
  | "room"
  | "node"
  | "bus"
  | "other";

export interface SitePlace {
  id: string;
  label: string;
  kind: PlaceKind;
  /** Id of the room it stands in. */
  room: string | null;
  at: { x: number; y: number } | null;
}

/** An open door warms the racks so near to it. */
export const NEAR_DOOR_M = 5;
/** Racks so near to each other breathe the same air. */
export const NEIGHBOUR_M = 1.7;

type Links = Map<string, Set<string>>;
const NONE: ReadonlySet<string> = new Set();

/** What hangs on what, from site.yaml: electricity from utility to rack, air from cooling unit to rack. */
export class Topology {
  readonly #places = new Map<string, SitePlace>();
  readonly #points = new Map<string, string>();
  /** Everything that loses a supply when the place does. */
  readonly #powers: Links = new Map();
  /** Everything that gets warm when the place fails. */
  readonly #warms: Links = new Map();
  readonly #neighbours: Links = new Map();
  readonly #causes: Links = new Map();

  constructor(site: SiteModel | undefined) {
    const children: Links = new Map();
    for (const { id, label, kind, fedBy } of site?.power ?? []) {
      this.#places.set(id, { id, label, kind, room: null, at: null });
      for (const parent of fedBy) add(children, parent, id);
    }
    for (const room of site?.rooms ?? []) this.#addRoom(room, children);
    for (const { id } of site?.power ?? []) this.#power(id, children);
    for (const links of [this.#powers, this.#warms, this.#neighbours])
      for (const [cause, effects] of links)
        for (const effect of effects) add(this.#causes, effect, cause);
  }

  place = (id: string): SitePlace | undefined => this.#places.get(id);

  /** By its name, or by the room that lists it. */
  placeOfPoint(point: string): SitePlace | undefined {
    const named = placeOf(point);
    const known = named === undefined ? undefined : this.#places.get(named);
    return known ?? this.#places.get(this.#points.get(point) ?? "");
  }

  powers = (id: string): ReadonlySet<string> => this.#powers.get(id) ?? NONE;
  warms = (id: string): ReadonlySet<string> => this.#warms.get(id) ?? NONE;
  neighbours = (id: string): ReadonlySet<string> => this.#neighbours.get(id) ?? NONE;

  /** Places whose trouble may show here. */
  causesOf = (id: string): ReadonlySet<string> => this.#causes.get(id) ?? NONE;

  /** Places where trouble of this one may show. */
  effectsOf = (id: string): ReadonlySet<string> => new Set([...this.powers(id), ...this.warms(id)]);

  /** Null when either has no place on the plan, or they stand in different rooms. */
  distanceM(a: string, b: string): number | null {
    const from = this.#places.get(a);
    const to = this.#places.get(b);
    if (!from?.at || !to?.at || from.room !== to.room) return null;
    return Math.hypot(from.at.x - to.at.x, from.at.y - to.at.y);
  }

  #addRoom(room: Room, children: Links): void {
    this.#places.set(room.id, {
      ...{ id: room.id, label: room.label, kind: "room", room: room.id, at: null },
    });
    const put = (kind: PlaceKind, { id, label, at }: Pick<SitePlace, "id" | "label" | "at">) =>
      this.#places.set(id, { id, label, kind, room: room.id, at });
    const racks = room.rows.flatMap((row) => row.racks.map((rack) => ({ ...rack, row: row.id })));
    for (const rack of racks) {
      put("rack", rack);
      for (const feed of rack.feeds ?? []) add(children, feed, rack.id);
    }
    for (const point of [...room.points, ...room.aisles.flatMap(({ points }) => points)])
      this.#points.set(point, room.id);
    for (const unit of room.cooling) {
      put("cooling", unit);
      for (const parent of unit.fedBy ?? []) add(children, parent, unit.id);
      const { serves } = unit;
      for (const { id, row } of racks)
        if (!serves || serves.includes(row) || serves.includes(id)) add(this.#warms, unit.id, id);
      add(this.#warms, unit.id, room.id);
      for (const { id } of room.cooling) if (id !== unit.id) add(this.#warms, unit.id, id);
    }
    for (const door of room.doors) {
      put("door", door);
      for (const { id } of racks)
        if ((this.distanceM(door.id, id) ?? Infinity) <= NEAR_DOOR_M) add(this.#warms, door.id, id);
    }
    for (const { id: a } of racks)
      for (const { id: b } of racks)
        if (a !== b && (this.distanceM(a, b) ?? Infinity) <= NEIGHBOUR_M)
          add(this.#neighbours, a, b);
  }

  /** Follows the supply from one unit down, and the air of the cooling units on the way. */
  #power(id: string, children: Links): void {
    const reached = new Set<string>();
    const queue = [...(children.get(id) ?? [])];
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (reached.has(next) || next === id) continue;
      reached.add(next);
      queue.push(...(children.get(next) ?? []));
    }
    this.#powers.set(id, reached);
    for (const place of reached)
      if (this.#places.get(place)?.kind === "cooling")
        for (const warmed of this.warms(place)) add(this.#warms, id, warmed);
  }
}

function add(links: Links, from: string, to: string): void {
  const known = links.get(from);
  if (known) known.add(to);
  else links.set(from, new Set([to]));
}
