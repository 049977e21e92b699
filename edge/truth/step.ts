/** Air and its sensors are slower than this from one sample to the next. */
export const STEP_C = 5;
/** A step must be confirmed by so many further samples. */
export const CONFIRMATIONS = 2;
/** Over a longer gap a room may truly have changed so much. */
export const LONGEST_GAP_MS = 60_000;

/** What a temperature is compared with: the last value believed, and a step waiting to be confirmed. */
export interface StepState {
  believedC: number;
  atMs: number;
  /** The newest value after a step, and how many came since the first. */
  held: { valueC: number; confirmed: number } | null;
}

export interface StepJudgement {
  state: StepState;
  /** `spike`: a held step did not last, and this value is sound again. */
  verdict: "sound" | "held" | "spike";
}

/** Judges one temperature. `nowMs` is monotonic. */
export function judgeStep(
  state: StepState | undefined,
  valueC: number,
  nowMs: number,
): StepJudgement {
  const believe = (verdict: "sound" | "spike"): StepJudgement => ({
    state: { believedC: valueC, atMs: nowMs, held: null },
    verdict,
  });
  const hold = (confirmed: number): StepJudgement => ({
    state: {
      believedC: state?.believedC ?? valueC,
      atMs: nowMs,
      held: { valueC, confirmed },
    },
    verdict: "held",
  });
  if (!state || nowMs - state.atMs > LONGEST_GAP_MS) return believe("sound");
  const { believedC, held } = state;
  if (Math.abs(valueC - believedC) <= STEP_C) return believe(held ? "spike" : "sound");
  if (!held || Math.abs(valueC - held.valueC) > STEP_C) return hold(0);
  const confirmed = held.confirmed + 1;
  return confirmed >= CONFIRMATIONS ? believe("sound") : hold(confirmed);
}
