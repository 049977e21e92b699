import { all, type Derivation, known, type Scene } from "./derivation.ts";

const PHASES = ["l1", "l2", "l3"] as const;
const STEMS = ["current", "output-current", "input-current"] as const;
/** Below this mean current imbalance says nothing; it is then measured against this. */
const LEAST_A = 2;

/** Points of the currents of three phases of a place, for the first stem that has all. */
export function phaseCurrents(scene: Pick<Scene, "places">, place: string): string[] | undefined {
  const points = scene.places.get(place);
  const stem = STEMS.find((name) =>
    PHASES.every((phase) => points?.get(`${name}-${phase}`)?.quantity === "current"),
  );
  return stem && PHASES.map((phase) => `${place}.${stem}-${phase}`);
}

/** `<place>.phase-imbalance` in %, wherever three currents are measured. */
export function phaseImbalances(scene: Scene): Derivation[] {
  return [...scene.places.keys()].flatMap((place): Derivation[] => {
    const inputs = phaseCurrents(scene, place);
    if (!inputs) return [];
    const label = `${scene.label(place)} phase imbalance`;
    return [
      {
        info: { id: `${place}.phase-imbalance`, quantity: "load", label },
        inputs,
        derive: (look) => {
          const currentsA = all(look, inputs);
          return known(currentsA && imbalancePercent(currentsA));
        },
      },
    ];
  });
}

/** Largest deviation from the mean, in % of the mean (NEMA's way, with currents). */
export function imbalancePercent(currentsA: readonly number[]): number {
  const amps = currentsA.map(Math.abs);
  const mean = amps.reduce((sum, current) => sum + current, 0) / amps.length;
  const worst = Math.max(...amps.map((current) => Math.abs(current - mean)));
  return (100 * worst) / Math.max(mean, LEAST_A);
}
