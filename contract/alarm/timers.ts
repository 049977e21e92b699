import type { Clock, EpochMs } from "../clock.ts";
import type { AlarmState } from "./engine.ts";

/** A difference between wall and monotonic time larger than this is a step of the wall clock. */
const STEP_MS = 1_000;

/** Notices when the wall clock is set, so that running delays can be kept their length. */
export class StepWatch {
  readonly #clock: Clock;
  #offsetMs: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offsetMs = clock.nowMs() - clock.monoMs();
  }

  /** By how much the wall clock was set since the last call; 0 for mere drift. */
  stepMs(): number {
    const offsetMs = this.#clock.nowMs() - this.#clock.monoMs();
    const stepMs = offsetMs - this.#offsetMs;
    this.#offsetMs = offsetMs;
    return Math.abs(stepMs) > STEP_MS ? Math.round(stepMs) : 0;
  }
}

/** The same state on a wall clock that was set by `stepMs`: running delays keep their length. */
export function onSteppedClock(state: AlarmState, stepMs: number): AlarmState {
  const { phase } = state;
  const moved = (at: EpochMs | null) => (at === null ? null : at + stepMs);
  switch (phase.name) {
    case "normal":
      return state;
    case "pending":
      return { ...state, phase: { ...phase, since: phase.since + stepMs } };
    case "active":
      return { ...state, phase: { ...phase, clearSince: moved(phase.clearSince) } };
    case "returned":
    case "latched":
      return { ...state, phase: { ...phase, breachSince: moved(phase.breachSince) } };
  }
}

/**
 * A stored state as a restarted program takes it up. Delays begin anew: what the subject did while the program
 * was away is not known, and a breach is only one once it is seen.
 */
export function afterRestart(state: AlarmState): AlarmState {
  const { phase } = state;
  const fresh = { ...state, finding: "unknown" } as const;
  switch (phase.name) {
    case "normal":
      return fresh;
    case "pending":
      return { ...fresh, phase: { name: "normal" } };
    case "active":
      return { ...fresh, phase: { ...phase, clearSince: null } };
    case "returned":
    case "latched":
      return { ...fresh, phase: { ...phase, breachSince: null } };
  }
}
