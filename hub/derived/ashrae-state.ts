import {
  allowableEnvelope,
  type ClimateRules,
  type Excess,
  excesses,
  recommendedEnvelope,
} from "../../contract/climate/ashrae.ts";
import { good, type Measurement } from "../../contract/reading.ts";
import { climateOf, racksOf } from "./climate.ts";
import {
  type Derivation,
  isInlet,
  pointsOf,
  type Scene,
  stateInfo,
  UNKNOWN,
} from "./derivation.ts";
import { airOf, dewOf } from "./dew-point.ts";

const EXCESSES: readonly Excess[] = ["warm", "cold", "damp", "dry"];
/** Tens: which envelope is left; units: on which side. */
export const ASHRAE_STATES: Record<number, string> = {
  0: "within the recommended range",
  11: "warmer than recommended",
  12: "colder than recommended",
  13: "damper than recommended",
  14: "drier than recommended",
  21: "too warm for its equipment",
  22: "too cold for its equipment",
  23: "too damp for its equipment",
  24: "too dry for its equipment",
};

export interface InletAir {
  /** One per inlet sensor; undefined where it is not known now. */
  inletsC: readonly (number | undefined)[];
  /** Null when nothing measures humidity here. */
  humid: { airC: number | undefined; humidityRh: number | undefined } | null;
}

/** `<rack>.ashrae`: how the air at the rack's inlets lies to ASHRAE's envelopes of its class. */
export function ashraeStates(scene: Scene): Derivation[] {
  const airs = new Map(airOf(scene).map((air) => [air.place, air]));
  return racksOf(scene.site).flatMap(({ room, rack }): Derivation[] => {
    const inlets = pointsOf(scene, rack, isInlet);
    if (inlets.length === 0) return [];
    const air = airs.get(rack);
    const rules = climateOf(scene.climate, room, rack);
    return [
      {
        info: stateInfo(`${rack}.ashrae`, `${scene.label(rack)} air`, ASHRAE_STATES),
        inputs: [...inlets, ...(air ? [air.humidity, air.temperature] : [])],
        derive: (look) =>
          ashraeState(rules, {
            inletsC: inlets.map(look),
            humid: air ? { airC: look(air.temperature), humidityRh: look(air.humidity) } : null,
          }),
      },
    ];
  });
}

/**
 * The worst that is known. A sensor that fails hides no excess that another one shows, but without it
 * nobody can say that all is well.
 */
export function ashraeState(rules: ClimateRules, { inletsC, humid }: InletAir): Measurement {
  const levels = [
    { tens: 20, envelope: allowableEnvelope(rules) },
    { tens: 10, envelope: recommendedEnvelope(rules) },
  ];
  const dewC = humid ? dewOf(humid.airC, humid.humidityRh) : undefined;
  const whole =
    inletsC.every((airC) => airC !== undefined) &&
    (!humid || (humid.airC !== undefined && humid.humidityRh !== undefined));
  for (const { tens, envelope } of levels) {
    const found = new Set(
      inletsC.flatMap((airC) => (airC === undefined ? [] : excesses(envelope, { airC }))),
    );
    if (humid?.airC !== undefined && humid.humidityRh !== undefined) {
      const air = { airC: humid.airC, humidityRh: humid.humidityRh, dewC };
      for (const excess of excesses(envelope, air)) found.add(excess);
    }
    const worst = EXCESSES.findIndex((excess) => found.has(excess));
    // What is only beyond the recommended may be beyond the allowable where nobody can see.
    if (worst >= 0) return tens === 20 || whole ? good(tens + worst + 1) : UNKNOWN;
  }
  return whole ? good(0) : UNKNOWN;
}
