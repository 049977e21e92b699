import { bad, good, type Measurement } from "../../contract/reading.ts";

/** Nothing is counted before the first level has settled, so that a start during a pulse adds none. */
export interface PulseState {
  /** Pulses since `NEW_PULSES`, or since the count that was remembered. */
  count: number;
  raw: 0 | 1 | null;
  rawSinceMs: number;
  settled: 0 | 1 | null;
  /** When the newest pulse began, on the monotonic clock; null before the first one since the start. */
  lastMs: number | null;
  /** The pulse from which the present interval is averaged. */
  from: { count: number; atMs: number } | null;
  /** Mean time between pulses at the last look; null before two were seen. */
  intervalMs: number | null;
}

export const NEW_PULSES: PulseState = {
  count: 0,
  raw: null,
  rawSinceMs: 0,
  settled: null,
  lastMs: null,
  from: null,
  intervalMs: null,
};

/** Without a pulse for so long after the start the meter stands still, or turns too slowly to tell. */
export const STANDSTILL_MS = 900_000;
/** So many intervals without a pulse mean that nothing flows any more. */
const SILENT_INTERVALS = 3;

/**
 * Advances one counter by a level (1 = pulse) that began at `atMs`, or without one by time alone. A pulse
 * counts once it has lasted `debounceMs`; a pause shorter than that does not end it.
 */
export function stepPulse(
  before: PulseState,
  level: 0 | 1 | undefined,
  atMs: number,
  debounceMs: number,
): PulseState {
  const held = settle(before, atMs, debounceMs);
  if (level === undefined || level === held.raw) return held;
  return settle({ ...held, raw: level, rawSinceMs: atMs }, atMs, debounceMs);
}

/** When the present level will have lasted long enough; undefined when it already counts. */
export function pulseSettlesAtMs(state: PulseState, debounceMs: number): number | undefined {
  return state.raw === null || state.raw === state.settled
    ? undefined
    : state.rawSinceMs + debounceMs;
}

/**
 * Closes an interval: averages over all pulses since the last look, so that the jitter of single edges
 * does not show. Call it once per published value.
 */
export function lookPulse(state: PulseState): PulseState {
  const { lastMs, from, count } = state;
  if (lastMs === null || from === null || count === from.count) return state;
  const intervalMs = (lastMs - from.atMs) / (count - from.count);
  return { ...state, from: { count, atMs: lastMs }, intervalMs };
}

/**
 * Power in W from S0 pulses: 3.6e6 / (pulses per kWh · seconds between them). When the next pulse is
 * overdue, the power can only be lower, and after three intervals it is 0. Not known before two pulses,
 * or until the meter has stood still for a quarter of an hour since `startedMs`.
 */
export function pulsePowerW(
  state: PulseState,
  { perKwh, startedMs, nowMs }: { perKwh: number; startedMs: number; nowMs: number },
): Measurement {
  const sinceMs = nowMs - (state.lastMs ?? startedMs);
  if (state.intervalMs === null || state.lastMs === null)
    return sinceMs >= STANDSTILL_MS ? good(0) : bad("not-ready");
  if (sinceMs > SILENT_INTERVALS * state.intervalMs) return good(0);
  const seconds = Math.max(state.intervalMs, sinceMs) / 1_000;
  return good(3.6e6 / (perKwh * seconds));
}

function settle(state: PulseState, nowMs: number, debounceMs: number): PulseState {
  const dueMs = pulseSettlesAtMs(state, debounceMs);
  if (dueMs === undefined || nowMs < dueMs) return state;
  const settled = { ...state, settled: state.raw };
  if (state.raw !== 1 || state.settled === null) return settled;
  const count = state.count + 1;
  const atMs = state.rawSinceMs;
  return { ...settled, count, lastMs: atMs, from: state.from ?? { count, atMs } };
}

/** What is kept on disk: pulses count from `baseKwh`, so that another pulse constant leaves the past as it was. */
export interface PulseMemory {
  count: number;
  perKwh: number;
  baseKwh: number;
}

export const pulseKwh = ({ count, perKwh, baseKwh }: PulseMemory) => baseKwh + count / perKwh;

export function writePulseMemory({ count, perKwh, baseKwh }: PulseMemory): string {
  return `${count} ${perKwh} ${baseKwh}`;
}

/** Reads what was kept; a new meter begins at `startKwh`. Throws when the text is damaged. */
export function readPulseMemory(
  text: string | undefined,
  { perKwh, startKwh }: { perKwh: number; startKwh: number },
): PulseMemory {
  if (text === undefined) return { count: 0, perKwh, baseKwh: startKwh };
  const [count = Number.NaN, before = Number.NaN, baseKwh = Number.NaN] = text
    .split(" ")
    .map(Number);
  if (![count, before, baseKwh].every((number) => Number.isFinite(number) && number >= 0))
    throw new Error(`the remembered pulse count "${text.slice(0, 80)}" is not three numbers`);
  if (before === perKwh) return { count, perKwh, baseKwh };
  return { count: 0, perKwh, baseKwh: pulseKwh({ count, perKwh: before, baseKwh }) };
}
