import { CONDENSED_MS, SATURATED_RH } from "./condensed.ts";

/** Above it, cooling air leaves its water on the sensor. */
export const WET_RH = 99;
/** So much below the warmest value of the wet spell counts as falling; less is noise. */
export const FALL_C = 0.2;
/** A burst heats the sensor; before this much later it does not measure the room. */
export const HOLD_MS = 120_000;
/** A wet room stays wet: bursts more often would only leave holes in the record. */
export const PULSE_EVERY_MS = 3_600_000;

/** What is remembered of a sensor of temperature and humidity. Times are monotonic. */
export interface WetState {
  /** The humidity is above `WET_RH` since then. */
  spell: { warmestC: number; fell: boolean; saturatedSinceMs: number | undefined } | undefined;
  /** When its heater was last used. */
  pulsedMs: number | undefined;
}

export const DRY: WetState = { spell: undefined, pulsedMs: undefined };

/** Takes one measurement in, as the sensor made it, before any calibration. */
export function stepWet(
  state: WetState,
  { temperatureC, humidityRh }: { temperatureC: number; humidityRh: number },
  nowMs: number,
): WetState {
  if (humidityRh <= WET_RH) return { ...state, spell: undefined };
  const warmestC = Math.max(temperatureC, state.spell?.warmestC ?? temperatureC);
  const fell = state.spell?.fell === true || temperatureC <= warmestC - FALL_C;
  const saturated = humidityRh >= SATURATED_RH;
  const saturatedSinceMs = saturated ? (state.spell?.saturatedSinceMs ?? nowMs) : undefined;
  return { ...state, spell: { warmestC, fell, saturatedSinceMs } };
}

/** Water stands on the sensor: it shows the water, not the air. */
export function isWet({ spell }: WetState, nowMs: number): boolean {
  if (spell === undefined) return false;
  const { fell, saturatedSinceMs } = spell;
  return fell || (saturatedSinceMs !== undefined && nowMs - saturatedSinceMs >= CONDENSED_MS);
}

/** Whether its heater, if it has one that may be used, should dry it now. */
export function wantsHeat(state: WetState, nowMs: number): boolean {
  const rested = state.pulsedMs === undefined || nowMs - state.pulsedMs >= PULSE_EVERY_MS;
  return rested && isWet(state, nowMs);
}

/** It was heated and has not cooled down: what it shows is not the room. */
export function isHot({ pulsedMs }: WetState, nowMs: number): boolean {
  return pulsedMs !== undefined && nowMs - pulsedMs < HOLD_MS;
}
