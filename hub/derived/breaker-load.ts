import type { PowerUnit } from "../../contract/site.ts";
import { all, type Derivation, known, type Scene } from "./derivation.ts";
import { phaseCurrents } from "./phase-imbalance.ts";

const SINGLE = ["current", "output-current", "input-current"] as const;

/** Points of the currents that flow through a power unit's breaker. */
export function breakerCurrents(scene: Scene, unit: string): string[] {
  const points = scene.places.get(unit);
  const single = SINGLE.find((role) => points?.get(role)?.quantity === "current");
  return phaseCurrents(scene, unit) ?? (single ? [`${unit}.${single}`] : []);
}

/** `<unit>.breaker-load`: the fullest phase in % of `ratingA`. 80 % is what a breaker carries for hours. */
export function breakerLoads(scene: Scene): Derivation[] {
  return scene.site.power.flatMap(({ id, label, ratingA }: PowerUnit): Derivation[] => {
    const inputs = breakerCurrents(scene, id);
    if (ratingA === undefined || inputs.length === 0) return [];
    return [
      {
        info: { id: `${id}.breaker-load`, quantity: "load", label: `${label} breaker` },
        inputs,
        derive: (look) => {
          const currentsA = all(look, inputs);
          return known(currentsA && (100 * Math.max(...currentsA.map(Math.abs))) / ratingA);
        },
      },
    ];
  });
}
