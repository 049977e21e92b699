import { placeOf, roleOf } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { type Derivation, known, type Look, pointsOf, type Scene } from "./derivation.ts";
import { type Air, airOf, dewOf } from "./dew-point.ts";

/** Roles of what is coldest in a room: supply air, chilled water, pipes. */
const COLD = /(^|-)(supply|water-in|surface|pipe)(-|$)/;
const NOT_MEASURED = /setpoint|limit|target/;

/**
 * `<room>.dew-margin`: how many °C the coldest surface is above the highest dew point of the room's air. At 0
 * water condenses. Known while at least half of the sensors of each kind are: air mixes, but not endlessly.
 */
export function dewMargins(scene: Scene): Derivation[] {
  const airs = airOf(scene);
  return scene.site.rooms.flatMap((room): Derivation[] => {
    const racks = room.rows.flatMap((row) => row.racks.map(({ id }) => id));
    const places = new Set([room.id, ...racks]);
    const here = airs.filter(({ place }) => places.has(place));
    const cold = [
      ...room.cooling.flatMap(({ id }) => pointsOf(scene, id, isCold)),
      ...room.points.filter((id) => isCold(infoOf(scene, id))),
    ];
    if (here.length === 0 || cold.length === 0) return [];
    return [
      {
        info: {
          ...{ id: `${room.id}.dew-margin`, quantity: "temperature" },
          label: `${room.label} distance to condensation`,
        },
        inputs: [...cold, ...here.flatMap((air) => [air.humidity, air.temperature])],
        derive: (look) => known(marginC(look, here, cold)),
      },
    ];
  });
}

export function marginC(
  look: Look,
  airs: readonly Air[],
  cold: readonly string[],
): number | undefined {
  const dews = airs.flatMap((air) => dewOf(look(air.temperature), look(air.humidity)) ?? []);
  const surfaces = cold.flatMap((point) => look(point) ?? []);
  if (!mostOf(dews, airs) || !mostOf(surfaces, cold)) return undefined;
  return Math.min(...surfaces) - Math.max(...dews);
}

const mostOf = (found: readonly unknown[], of: readonly unknown[]) =>
  found.length > 0 && found.length * 2 >= of.length;

function isCold(info: PointInfo | undefined): boolean {
  if (info?.quantity !== "temperature") return false;
  const role = roleOf(info.id);
  return COLD.test(role) && !NOT_MEASURED.test(role);
}

function infoOf(scene: Scene, id: string): PointInfo | undefined {
  return scene.places.get(placeOf(id) ?? "")?.get(roleOf(id));
}
