/**
 * Thermal guidelines of ASHRAE TC 9.9 for the air AT THE INLET of IT equipment: the numbers, by edition. Later
 * editions replaced earlier ones; the earlier are still written into contracts.
 */
export const ASHRAE_SETS = ["ashrae-2021", "ashrae-2015", "ashrae-2011"] as const;
export type AshraeSet = (typeof ASHRAE_SETS)[number];
export const ASHRAE_CLASSES = ["A1", "A2", "A3", "A4", "H1"] as const;
export type AshraeClass = (typeof ASHRAE_CLASSES)[number];

/** All limits are inclusive, and every one of them counts: the wetter lower and the drier upper limit govern. */
export interface Envelope {
  minC: number;
  maxC: number;
  minDewC: number | null;
  minRh: number | null;
  maxDewC: number;
  maxRh: number;
}

export interface ClimateRules {
  set: AshraeSet;
  class: AshraeClass;
  altitudeM: number;
  /** Upper recommended humidity of the 2021 set in %: 70, or 50 where corrosive gases are found. */
  recommendedMaxRh: number;
}

const OLD_RECOMMENDED: Envelope = {
  ...{ minC: 18, maxC: 27, minDewC: 5.5, minRh: null, maxDewC: 15, maxRh: 60 },
};
const dry = { minDewC: -12, minRh: 8 };
const ALLOWABLE: Record<AshraeClass, Envelope> = {
  A1: { minC: 15, maxC: 32, ...dry, maxDewC: 17, maxRh: 80 },
  A2: { minC: 10, maxC: 35, ...dry, maxDewC: 21, maxRh: 80 },
  A3: { minC: 5, maxC: 40, ...dry, maxDewC: 24, maxRh: 85 },
  A4: { minC: 5, maxC: 45, ...dry, maxDewC: 24, maxRh: 90 },
  H1: { minC: 5, maxC: 25, ...dry, maxDewC: 17, maxRh: 80 },
};
/** The 2011 edition still kept A1 and A2 above 20 % humidity. */
const DRY_2011 = { minDewC: null, minRh: 20 };

/** Height from which the allowable maximum falls, and over how many metres it falls by 1 °C. */
const DERATING_FROM_M = 900;
const DERATING_M_PER_C: Record<AshraeClass, number> = {
  A1: 300,
  A2: 300,
  A3: 175,
  A4: 125,
  H1: 500,
};
/** Above this height the derated maximum also bounds what is recommended. */
const PRECEDENCE_FROM_M = 2_400;

/** Whether the set knows the class: H1, for dense liquid-assisted racks, came with 2021. */
export function hasClass(set: AshraeSet, name: AshraeClass): boolean {
  return name !== "H1" || set === "ashrae-2021";
}

export function allowableEnvelope(rules: ClimateRules): Envelope {
  const { set, altitudeM } = rules;
  const base = ALLOWABLE[rules.class];
  const old = set === "ashrae-2011" && (rules.class === "A1" || rules.class === "A2");
  const aboveM = Math.max(0, altitudeM - DERATING_FROM_M);
  const maxC = base.maxC - aboveM / DERATING_M_PER_C[rules.class];
  return { ...base, ...(old && DRY_2011), maxC };
}

export function recommendedEnvelope(rules: ClimateRules): Envelope {
  const { set, altitudeM, recommendedMaxRh } = rules;
  const dew = set === "ashrae-2011" ? OLD_RECOMMENDED.minDewC : -9;
  const base: Envelope =
    set === "ashrae-2021"
      ? {
          ...{ minC: 18, maxC: rules.class === "H1" ? 22 : 27, minDewC: -9, minRh: null },
          ...{ maxDewC: 15, maxRh: recommendedMaxRh },
        }
      : { ...OLD_RECOMMENDED, minDewC: dew };
  if (altitudeM <= PRECEDENCE_FROM_M) return base;
  return { ...base, maxC: Math.min(base.maxC, allowableEnvelope(rules).maxC) };
}

/** What one limit of an envelope says of the air: too warm, too cold, too damp or too dry. */
export type Excess = "warm" | "cold" | "damp" | "dry";

/** What of the envelope the air breaks; empty when it is inside. Without humidity only temperature is judged. */
export function excesses(
  envelope: Envelope,
  air: { airC: number; humidityRh?: number | undefined; dewC?: number | undefined },
): Excess[] {
  const { airC, humidityRh, dewC } = air;
  const found: Excess[] = [];
  if (airC > envelope.maxC) found.push("warm");
  if (airC < envelope.minC) found.push("cold");
  if (humidityRh === undefined) return found;
  const damp = humidityRh > envelope.maxRh || (dewC !== undefined && dewC > envelope.maxDewC);
  if (damp) found.push("damp");
  const dryByRh = envelope.minRh !== null && humidityRh < envelope.minRh;
  const dryByDew = envelope.minDewC !== null && (dewC === undefined || dewC < envelope.minDewC);
  if (dryByRh || dryByDew) found.push("dry");
  return found;
}

/** The rate of change that ASHRAE allows at inlets: highest minus lowest in a sliding window. */
export const SWING_LIMITS = {
  /** Rooms with tape. */
  tape: [{ above: 5, windowMs: 3_600_000 }],
  /** All other IT equipment; both hold. */
  other: [
    { above: 20, windowMs: 3_600_000 },
    { above: 5, windowMs: 900_000 },
  ],
} as const;
