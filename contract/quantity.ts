/** One kind of measured thing. `min`/`max` are what any real room can show; a point may narrow them. */
export interface Quantity {
  label: string;
  unit: string;
  /** Decimal places worth showing a person. */
  decimals: number;
  min: number;
  max: number;
}

const q = (label: string, unit: string, decimals: number, min: number, max: number): Quantity => ({
  label,
  unit,
  decimals,
  min,
  max,
});

/** Everything Plenum measures, in the unit it travels and is stored in. */
export const QUANTITIES = {
  temperature: q("Temperature", "°C", 1, -40, 125),
  humidity: q("Relative humidity", "%", 0, 0, 100),
  dewPoint: q("Dew point", "°C", 1, -60, 60),
  pressure: q("Differential pressure", "Pa", 1, -600, 600),
  airPressure: q("Air pressure", "Pa", 0, 30_000, 110_000),
  co2: q("Carbon dioxide", "ppm", 0, 0, 40_000),
  voltage: q("Voltage", "V", 1, -1_000, 50_000),
  current: q("Current", "A", 1, -10_000, 10_000),
  power: q("Active power", "W", 0, -5e7, 5e7),
  apparentPower: q("Apparent power", "VA", 0, -5e7, 5e7),
  reactivePower: q("Reactive power", "var", 0, -5e7, 5e7),
  powerFactor: q("Power factor", "", 2, -1, 1),
  frequency: q("Frequency", "Hz", 1, 0, 500),
  energy: q("Energy", "kWh", 1, 0, 1e12),
  charge: q("Battery charge", "%", 0, 0, 100),
  runtime: q("Battery runtime", "s", 0, 0, 1e6),
  load: q("Load", "%", 0, 0, 1_000),
  fan: q("Fan speed", "%", 0, 0, 100),
  valve: q("Valve position", "%", 0, 0, 100),
  cooling: q("Cooling output", "%", 0, 0, 100),
  level: q("Fill level", "%", 0, 0, 100),
  speed: q("Rotation speed", "rpm", 0, 0, 100_000),
  distance: q("Distance", "m", 1, 0, 100_000),
  resistance: q("Resistance", "Ω", 0, 0, 1e9),
  duration: q("Duration", "s", 0, 0, 1e10),
  count: q("Count", "", 0, 0, 1e15),
  ratio: q("Ratio", "", 2, -1e6, 1e6),
  /** 0 or 1: a contact, a status bit, a leak. What 1 means stands in the point's label. */
  flag: q("State", "", 0, 0, 1),
  /** A code whose words stand in the point's `states`. */
  state: q("State", "", 0, -32_768, 65_535),
} as const satisfies Record<string, Quantity>;

export type QuantityId = keyof typeof QUANTITIES;
export const QUANTITY_IDS = Object.keys(QUANTITIES) as [QuantityId, ...QuantityId[]];
