/** Magnus coefficients over water (Sonntag 1990), also below 0 °C: ASHRAE's limits are dew points, not frost points. */
const E0_HPA = 6.112;
const B = 17.62;
const C_C = 243.12;

/**
 * Dew point in °C for −45…60 °C air and relative humidity in %. Sensors overshoot: more than 100 % counts as
 * 100 %. Undefined for humidity of 0 % or less, where there is no dew point, and outside the range.
 */
export function dewPointC(airC: number, humidityRh: number): number | undefined {
  if (!(humidityRh > 0) || !(airC >= -45 && airC <= 60)) return undefined;
  const gamma = Math.log(Math.min(humidityRh, 100) / 100) + (B * airC) / (C_C + airC);
  return Math.min(airC, (C_C * gamma) / (B - gamma));
}

/** Water in the air in g/m³, for the same range as `dewPointC`. */
export function absoluteHumidity(airC: number, humidityRh: number): number | undefined {
  if (!(humidityRh >= 0) || !(airC >= -45 && airC <= 60)) return undefined;
  const saturationHpa = E0_HPA * Math.exp((B * airC) / (C_C + airC));
  return (216.679 * saturationHpa * Math.min(humidityRh, 100)) / 100 / (273.15 + airC);
}
