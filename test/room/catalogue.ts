import type { Profile } from "../../edge/profiles/schema.ts";
import { CHIPS, INPUTS, type ModbusUnit, PROBES } from "./layout.ts";

/** What can be done to a sensor. */
export const MISCHIEFS = ["unplug", "freeze", "drift", "corrupt"] as const;
export type Mischief = (typeof MISCHIEFS)[number];

export interface Sensor {
  /** Every point that shares the plug: temperature and humidity of one chip. */
  plug: readonly string[];
  can: ReadonlySet<Mischief>;
}

/** Every point that stands on a wire, with what can go wrong with its sensor. */
export function sensorCatalogue(
  units: readonly { unit: ModbusUnit; profile: Profile }[],
): ReadonlyMap<string, Sensor> {
  const catalogue = new Map<string, Sensor>();
  const add = (points: readonly string[], ...can: Mischief[]) => {
    for (const point of points) catalogue.set(point, { plug: points, can: new Set(can) });
  };
  for (const { model, temperature, humidity } of CHIPS) {
    const points = humidity === undefined ? [temperature] : [temperature, humidity];
    // A TMP117 sends no check byte, so damage on the way cannot be seen.
    if (model === "sht31") add(points, ...MISCHIEFS);
    else add(points, "unplug", "freeze", "drift");
  }
  for (const { point } of PROBES) add([point], ...MISCHIEFS);
  for (const { point } of INPUTS) add([point], "unplug", "freeze");
  for (const { unit, profile } of units)
    for (const { id, field, bit, equals } of profile.points) {
      const point = `${unit.device}.${id}`;
      if (equals) continue;
      if (bit !== undefined || field.type === "enum") {
        add([point], "freeze");
        continue;
      }
      const canSayNothing =
        field.na.length > 0 || field.naNegative || field.naRange || field.type === "f32";
      if (canSayNothing) add([point], "unplug", "freeze", "drift");
      else add([point], "freeze", "drift");
    }
  return catalogue;
}
