import { good, type Measurement } from "../../contract/reading.ts";
import { type Derivation, type Scene, stateInfo, UNKNOWN } from "./derivation.ts";

export const FIGHT_STATES: Record<number, string> = {
  0: "work together",
  1: "one humidifies while another dries the air",
  2: "one heats while another cools",
  3: "blow at temperatures far apart",
};

/** Supply temperatures of running units further apart than this are no control, but a quarrel. */
const APART_C = 8;

/** What one unit of a room does; undefined is not known or not measured. */
export interface UnitDoes {
  running: number | undefined;
  humidifies: number | undefined;
  dries: number | undefined;
  heats: number | undefined;
  supplyC: number | undefined;
}

const ROLES = {
  running: ["running"],
  humidifies: ["humidifying", "humidifier"],
  dries: ["dehumidifying", "dehumidification"],
  heats: ["heating", "reheat"],
  supplyC: ["supply"],
} as const satisfies Record<keyof UnitDoes, readonly string[]>;

/** `<room>.cooling-fight` of every room with two units or more. */
export function coolingFights(scene: Scene): Derivation[] {
  return scene.site.rooms.flatMap((room): Derivation[] => {
    const units = room.cooling.flatMap(({ id }) => {
      const points = scene.places.get(id);
      if (!points?.has("running")) return [];
      const of = (key: keyof UnitDoes) => ROLES[key].find((role) => points.has(role));
      return [(key: keyof UnitDoes) => (of(key) === undefined ? null : `${id}.${of(key)}`)];
    });
    if (units.length < 2) return [];
    const keys = Object.keys(ROLES) as (keyof UnitDoes)[];
    return [
      {
        info: stateInfo(`${room.id}.cooling-fight`, `${room.label} cooling units`, FIGHT_STATES),
        inputs: units.flatMap((of) => keys.flatMap((key) => of(key) ?? [])),
        derive: (look) => {
          const at = (id: string | null) => (id === null ? undefined : look(id));
          return coolingFight(
            units.map((of) => ({
              running: at(of("running")),
              humidifies: at(of("humidifies")),
              dries: at(of("dries")),
              heats: at(of("heats")),
              supplyC: at(of("supplyC")),
            })),
          );
        },
      },
    ];
  });
}

/** Needs to know of every unit whether it runs; a unit that does not, fights with nobody. */
export function coolingFight(units: readonly UnitDoes[]): Measurement {
  if (units.some(({ running }) => running === undefined)) return UNKNOWN;
  const active = units.filter(({ running }) => running === 1);
  const does = (key: "humidifies" | "dries" | "heats") => active.filter((unit) => unit[key] === 1);
  if (does("humidifies").length > 0 && does("dries").length > 0) return good(1);
  const heating = does("heats").length;
  if (heating > 0 && heating < active.length) return good(2);
  const supplies = active.flatMap(({ supplyC }) => supplyC ?? []);
  const apart = supplies.length < 2 ? 0 : Math.max(...supplies) - Math.min(...supplies);
  return good(apart > APART_C ? 3 : 0);
}
