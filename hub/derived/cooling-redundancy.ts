import { good, type Measurement } from "../../contract/reading.ts";
import type { Room } from "../../contract/site.ts";
import { type Derivation, type Scene, stateInfo, UNKNOWN } from "./derivation.ts";

export const REDUNDANCY_STATES: Record<number, string> = {
  0: "one more than needed",
  1: "no spare unit left",
  2: "fewer units than needed",
};

/** `<room>.cooling-redundancy`: running units, and those that stand by in order, against what the room needs. */
export function coolingRedundancies(scene: Scene): Derivation[] {
  return scene.site.rooms.flatMap((room): Derivation[] => {
    const units = room.cooling.filter(({ id }) => scene.places.get(id)?.has("running"));
    if (units.length === 0 || units.length < room.cooling.length) return [];
    const needed = neededIn(room);
    if (needed < 1) return [];
    return [
      {
        info: stateInfo(
          `${room.id}.cooling-redundancy`,
          `${room.label} cooling`,
          REDUNDANCY_STATES,
        ),
        inputs: units.map(({ id }) => `${id}.running`),
        derive: (look) =>
          redundancy(
            needed,
            units.map(({ id }) => look(`${id}.running`)),
          ),
      },
    ];
  });
}

/** What site.yaml says, or all but one. */
export function neededIn({ coolingNeeded, cooling }: Room): number {
  return coolingNeeded ?? cooling.length - 1;
}

/** Says what is true whatever the units do that are not known. */
export function redundancy(needed: number, running: readonly (number | undefined)[]): Measurement {
  const least = running.filter((unit) => unit === 1).length;
  const most = least + running.filter((unit) => unit === undefined).length;
  const code = (units: number) => (units > needed ? 0 : units === needed ? 1 : 2);
  return code(least) === code(most) ? good(code(least)) : UNKNOWN;
}
