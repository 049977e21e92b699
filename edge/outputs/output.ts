/** What an output is for, as its owner wrote it. */
export interface OutputRule {
  /** What it does while nobody commands it: before the first judgement and after the stop. */
  safe: "on" | "off";
  /** How long one cause keeps it on; undefined means as long as the cause lasts. */
  autoOffMs?: number;
}

/** One relay output. `commanded` begins with the first command and ends with the stop. */
export interface OutputState {
  phase: "safe" | "commanded";
  /** What wants it on, and since when on the monotonic clock. At most `MAX_CAUSES`. */
  causes: ReadonlyMap<string, number>;
  /** How often in a row the line did not read back as written. */
  mismatches: number;
}

export const NEW_OUTPUT: OutputState = { phase: "safe", causes: new Map(), mismatches: 0 };

/** Above it the oldest cause goes: a siren must sound for the newest. */
export const MAX_CAUSES = 1_000;
/** One wrong reading may be a disturbance; the line is written again before the second. */
export const FAULT_MISMATCHES = 2;

export type OutputInput =
  /** Commands begin: without a cause the output is off, whatever its safe state. */
  | { is: "govern" }
  /** Something wants it on. The same cause again does not restart its time. */
  | { is: "demand"; cause: string }
  | { is: "release"; cause: string }
  /** What the line read back as after it was written. */
  | { is: "read-back"; matches: boolean }
  | { is: "stop" };

/** Advances one output. The caller brings the time, drives the line by `isOn` and tells what it read back. */
export function stepOutput(state: OutputState, input: OutputInput, nowMs: number): OutputState {
  switch (input.is) {
    case "govern":
      return { ...state, phase: "commanded" };
    case "demand": {
      if (state.causes.has(input.cause)) return { ...state, phase: "commanded" };
      const kept = [...state.causes].slice(-(MAX_CAUSES - 1));
      return { ...state, phase: "commanded", causes: new Map([...kept, [input.cause, nowMs]]) };
    }
    case "release":
      return {
        ...state,
        phase: "commanded",
        causes: new Map([...state.causes].filter(([cause]) => cause !== input.cause)),
      };
    case "read-back":
      return { ...state, mismatches: input.matches ? 0 : state.mismatches + 1 };
    case "stop":
      return { ...state, phase: "safe", causes: new Map() };
  }
}

export function isOn(state: OutputState, nowMs: number, rule: OutputRule): boolean {
  if (state.phase === "safe") return rule.safe === "on";
  return [...state.causes.values()].some((sinceMs) => nowMs < endMs(sinceMs, rule));
}

/** The line does not follow. */
export function isFaulty(state: OutputState): boolean {
  return state.mismatches >= FAULT_MISMATCHES;
}

/** When it goes off by itself; undefined when time alone changes nothing. */
export function autoOffAtMs(
  state: OutputState,
  nowMs: number,
  rule: OutputRule,
): number | undefined {
  if (rule.autoOffMs === undefined || !isOn(state, nowMs, rule)) return undefined;
  if (state.phase === "safe") return undefined;
  return Math.max(...[...state.causes.values()].map((sinceMs) => endMs(sinceMs, rule)));
}

function endMs(sinceMs: number, { autoOffMs = Number.POSITIVE_INFINITY }: OutputRule): number {
  return sinceMs + autoOffMs;
}
