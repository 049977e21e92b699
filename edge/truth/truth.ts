import type { QuantityId } from "../../contract/quantity.ts";
import { type Measurement, uncertain } from "../../contract/reading.ts";
import { isCondensed, saturatedSince } from "./condensed.ts";
import { continueRun, isFrozen, type Run } from "./frozen.ts";
import { judgeStep, type StepState } from "./step.ts";

/** Which doubts fit a point. */
export interface TruthRules {
  frozen: boolean;
  condensed: boolean;
  step: boolean;
  /** Added to whatever the sensor says, after it was judged. */
  offset?: number;
  /** A share of a whole: the offset does not take it beyond. */
  ofHundred?: boolean;
}

/** What is remembered of a point. */
export interface TruthState {
  run?: Run;
  saturatedSinceMs?: number | undefined;
  step?: StepState;
}

export interface TruthJudgement {
  state: TruthState;
  measurement: Measurement;
  /** A step that did not last ended with this value. */
  spike: boolean;
}

/** Quantities that a sensor of our own measures with noise in its last bit. */
const NOISY: readonly QuantityId[] = ["temperature", "humidity", "pressure", "airPressure", "co2"];

/**
 * The rules for a channel of one of our own sensors. Points of other devices have none: a meter or a
 * UPS rounds and averages as it likes.
 */
export function truthRules(sensor: {
  quantity: QuantityId;
  /** The driver says that its steps are wide. */
  coarse: boolean;
  offset?: number | undefined;
}): TruthRules {
  return {
    frozen: NOISY.includes(sensor.quantity) && !sensor.coarse,
    condensed: sensor.quantity === "humidity",
    step: sensor.quantity === "temperature",
    offset: sensor.offset ?? 0,
    ofHundred: sensor.quantity === "humidity",
  };
}

/**
 * Judges one measurement of one point. Only good ones are doubted; a failed read neither confirms nor
 * clears a doubt. `nowMs` is monotonic.
 */
export function judgeTruth(
  state: TruthState,
  rules: TruthRules,
  measurement: Measurement,
  nowMs: number,
): TruthJudgement {
  if (measurement.quality !== "good")
    return { state, measurement: calibrated(measurement, rules), spike: false };
  const { value } = measurement;
  const run = continueRun(state.run, value, nowMs);
  const saturatedSinceMs = rules.condensed
    ? saturatedSince(state.saturatedSinceMs, value, nowMs)
    : undefined;
  const { state: step, verdict } = judgeStep(state.step, value, nowMs);
  const judged = (): Measurement => {
    if (isCondensed(saturatedSinceMs, nowMs)) return uncertain(value, "condensed");
    // At the end of its scale a sensor shows the same value without being frozen.
    if (rules.frozen && saturatedSinceMs === undefined && isFrozen(run, nowMs))
      return uncertain(value, "frozen");
    if (rules.step && verdict === "held") return uncertain(value, "step");
    return measurement;
  };
  return {
    state: { run, saturatedSinceMs, step },
    measurement: calibrated(judged(), rules),
    spike: rules.step && verdict === "spike",
  };
}

/** The measurement with the offset that a technician found against a reference. */
export function calibrated(
  measurement: Measurement,
  { offset = 0, ofHundred }: Pick<TruthRules, "offset" | "ofHundred">,
): Measurement {
  if (offset === 0 || measurement.quality === "bad") return measurement;
  const value = measurement.value + offset;
  return { ...measurement, value: ofHundred ? Math.min(Math.max(value, 0), 100) : value };
}
