import type { AlarmState } from "../../contract/alarm/engine.ts";
import { onSteppedClock } from "../../contract/alarm/timers.ts";

/** The same state once a clock that was wrong has been set: not only delays, every time in it moves along. */
export function onSetClock(state: AlarmState, stepMs: number): AlarmState {
  const moved = onSteppedClock(state, stepMs);
  const { phase } = moved;
  if (phase.name === "normal" || phase.name === "pending") return moved;
  const ack = phase.ack && { ...phase.ack, at: phase.ack.at + stepMs };
  const times = { raisedAt: phase.raisedAt + stepMs, ack };
  if (phase.name === "active") return { ...moved, phase: { ...phase, ...times } };
  return { ...moved, phase: { ...phase, ...times, clearedAt: phase.clearedAt + stepMs } };
}
