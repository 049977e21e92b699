import type { QuantityId } from "../../contract/quantity.ts";
import { good, type Measurement } from "../../contract/reading.ts";

interface UpsPoint {
  quantity: QuantityId;
  label: string;
}

/** What every UPS says about its state, whatever it is read by. Each is 1 while the label is true. */
export const UPS_FLAGS = {
  online: { quantity: "flag", label: "On line (1 = yes)" },
  "on-battery": { quantity: "flag", label: "On battery (1 = yes)" },
  "low-battery": { quantity: "flag", label: "Battery low while it carries the load (1 = yes)" },
  "shutdown-imminent": { quantity: "flag", label: "Shutdown imminent (1 = yes)" },
  bypass: { quantity: "flag", label: "On bypass (1 = yes)" },
  overload: { quantity: "flag", label: "Overload (1 = yes)" },
  "output-off": { quantity: "flag", label: "Output off (1 = yes)" },
  "replace-battery": { quantity: "flag", label: "Replace battery (1 = yes)" },
  testing: { quantity: "flag", label: "Self-test or calibration runs (1 = yes)" },
  "communication-lost": { quantity: "flag", label: "Communication lost (1 = yes)" },
} as const satisfies Record<string, UpsPoint>;
export type UpsFlag = keyof typeof UPS_FLAGS;

/** What nearly every UPS measures. */
export const USUAL_UPS_VALUES = [
  ...(["load", "charge", "runtime", "input-voltage", "output-voltage"] as const),
  ...(["battery-voltage", "battery-temperature"] as const),
] as const satisfies readonly UpsValue[];

/** What a UPS may measure. The values of single phases only come from one with three. */
export const UPS_VALUES = {
  load: { quantity: "load", label: "Load" },
  charge: { quantity: "charge", label: "Battery charge" },
  runtime: { quantity: "runtime", label: "Battery runtime" },
  "input-voltage": { quantity: "voltage", label: "Input voltage" },
  "output-voltage": { quantity: "voltage", label: "Output voltage" },
  "battery-voltage": { quantity: "voltage", label: "Battery voltage" },
  "battery-temperature": { quantity: "temperature", label: "Battery temperature" },
  temperature: { quantity: "temperature", label: "UPS temperature" },
  power: { quantity: "power", label: "Output power" },
  "output-current": { quantity: "current", label: "Output current" },
  "input-frequency": { quantity: "frequency", label: "Input frequency" },
  frequency: { quantity: "frequency", label: "Output frequency" },
  "input-voltage-l1": { quantity: "voltage", label: "Input voltage L1" },
  "input-voltage-l2": { quantity: "voltage", label: "Input voltage L2" },
  "input-voltage-l3": { quantity: "voltage", label: "Input voltage L3" },
  "output-voltage-l1": { quantity: "voltage", label: "Output voltage L1" },
  "output-voltage-l2": { quantity: "voltage", label: "Output voltage L2" },
  "output-voltage-l3": { quantity: "voltage", label: "Output voltage L3" },
  "output-current-l1": { quantity: "current", label: "Output current L1" },
  "output-current-l2": { quantity: "current", label: "Output current L2" },
  "output-current-l3": { quantity: "current", label: "Output current L3" },
  "load-l1": { quantity: "load", label: "Load L1" },
  "load-l2": { quantity: "load", label: "Load L2" },
  "load-l3": { quantity: "load", label: "Load L3" },
} as const satisfies Record<string, UpsPoint>;
export type UpsValue = keyof typeof UPS_VALUES;

export type UpsRole = UpsFlag | UpsValue;

/** What a source says in its own words, before it is judged. Each a flag; one it cannot say is missing. */
export interface UpsSigns {
  online: Measurement;
  onBattery: Measurement;
  /** The battery is nearly empty, whether or not it carries the load. */
  batteryNearEmpty: Measurement;
  /** Somebody ordered the shutdown: it comes even on mains. */
  shutdownOrdered?: Measurement;
  testing?: Measurement;
}

/** The flags that need judging; the others are what the source says. */
export type JudgedFlag = "online" | "on-battery" | "low-battery" | "shutdown-imminent";

/**
 * Turns what a UPS says into states that alarms can trust: a test or calibration discharges the battery
 * on purpose and is not a mains failure; a low battery that recharges on mains is not the end.
 */
export function judgeUps(signs: UpsSigns): Record<JudgedFlag, Measurement> {
  const testing = isOn(signs.testing) === true;
  const onBattery = testing && isOn(signs.onBattery) !== undefined ? good(0) : signs.onBattery;
  const lowBattery = both(signs.batteryNearEmpty, onBattery);
  return {
    online: signs.online,
    "on-battery": onBattery,
    "low-battery": lowBattery,
    "shutdown-imminent": either(signs.shutdownOrdered ?? good(0), lowBattery),
  };
}

/** Reasons that mean that nothing was heard of the UPS itself. */
const OUT_OF_TOUCH: readonly string[] = ["no-answer", "bus", "checksum", "identity"];

export function isOutOfTouch(measurement: Measurement): boolean {
  return measurement.quality === "bad" && OUT_OF_TOUCH.includes(measurement.reason);
}

function isOn(flag: Measurement | undefined): boolean | undefined {
  return flag === undefined || flag.quality === "bad" ? undefined : flag.value === 1;
}

/** 0 as soon as one is 0; unknown when that hangs on an unknown one. */
function both(a: Measurement, b: Measurement): Measurement {
  if (isOn(a) === false || isOn(b) === false) return good(0);
  return isOn(a) === undefined ? a : b;
}

/** 1 as soon as one is 1; unknown when that hangs on an unknown one. */
function either(a: Measurement, b: Measurement): Measurement {
  if (isOn(a) === true || isOn(b) === true) return good(1);
  return isOn(a) === undefined ? a : b;
}
