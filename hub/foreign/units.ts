import { QUANTITIES, type QuantityId } from "../../contract/quantity.ts";

/** What a number times `scale` plus `offset` gives the quantity's own unit. */
export interface Conversion {
  scale: number;
  offset: number;
}

const times = (scale: number): Conversion => ({ scale, offset: 0 });

/** Units that devices send and Plenum does not use itself. */
const OTHERS: Partial<Record<QuantityId, Record<string, Conversion>>> = {
  temperature: {
    "°F": { scale: 5 / 9, offset: -160 / 9 },
    K: { scale: 1, offset: -273.15 },
  },
  dewPoint: {
    "°F": { scale: 5 / 9, offset: -160 / 9 },
    K: { scale: 1, offset: -273.15 },
  },
  pressure: { hPa: times(100), mbar: times(100), kPa: times(1_000) },
  airPressure: { hPa: times(100), mbar: times(100), kPa: times(1_000) },
  voltage: { mV: times(1e-3), kV: times(1e3) },
  current: { mA: times(1e-3) },
  power: { mW: times(1e-3), kW: times(1e3) },
  apparentPower: { kVA: times(1e3) },
  reactivePower: { kvar: times(1e3) },
  powerFactor: { "%": times(0.01) },
  // Wmin: Shelly devices of the first generation count watt-minutes.
  energy: { Wh: times(1e-3), MWh: times(1e3), Wmin: times(1 / 60_000) },
  runtime: { min: times(60), h: times(3_600) },
  duration: { min: times(60), h: times(3_600), ms: times(1e-3) },
  distance: { mm: times(1e-3), cm: times(1e-2) },
  resistance: { kΩ: times(1e3) },
  frequency: { kHz: times(1e3), mHz: times(1e-3) },
};

/** The units a value of this quantity may come in, its own first. */
export function unitsOf(quantity: QuantityId): string[] {
  const own = QUANTITIES[quantity].unit;
  return [...(own === "" ? [] : [own]), ...Object.keys(OTHERS[quantity] ?? {})];
}

export function conversionOf(quantity: QuantityId, unit: string): Conversion | undefined {
  if (unit === QUANTITIES[quantity].unit) return times(1);
  const others = OTHERS[quantity];
  return others && Object.hasOwn(others, unit) ? others[unit] : undefined;
}
