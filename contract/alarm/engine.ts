import type { EpochMs } from "../clock.ts";
import type { Finding } from "./condition.ts";
import type { AlarmRule } from "./rule.ts";

export interface Ack {
  at: EpochMs;
  by: string;
}

/** One stretch of abnormality: from being raised until it is over and acknowledged. */
interface Occurrence {
  /** Counts this alarm's occurrences; with the alarm id it names one event, wherever it was judged. */
  occurrence: number;
  raisedAt: EpochMs;
  ack: Ack | null;
}

/** ISA-18.2 base state. `pending` is normal with its on-delay running; letters are those of IEC 62682. */
export type Phase =
  | { name: "normal" } // A
  | { name: "pending"; since: EpochMs } // A
  | ({ name: "active"; clearSince: EpochMs | null } & Occurrence) // B, or C once acknowledged
  | ({ name: "returned"; clearedAt: EpochMs; breachSince: EpochMs | null } & Occurrence) // D
  | ({ name: "latched"; clearedAt: EpochMs; breachSince: EpochMs | null } & Occurrence); // E, or F

/** A shelf always ends: at `until`, and when `once` is set already when the alarm clears. */
export interface Shelf {
  until: EpochMs;
  by: string;
  reason: string;
  once?: true | undefined;
}

/** The base state plus three independent flags. All of it survives a restart. */
export interface AlarmState {
  phase: Phase;
  /** Occurrences so far. */
  count: number;
  /** The newest finding, so that a tick without a new reading lets a delay run out. */
  finding: Finding;
  shelved: Shelf | null;
  suppressed: { since: EpochMs; by: string } | null;
  outOfService: { since: EpochMs; by: string; reason: string } | null;
}

export const INITIAL_STATE: AlarmState = {
  phase: { name: "normal" },
  count: 0,
  finding: "unknown",
  shelved: null,
  suppressed: null,
  outOfService: null,
};

/** What changed in one step; each goes into the ledger. */
export const CHANGES = [
  "raised",
  "cleared",
  "ended",
  "re-alarmed",
  "acknowledged",
  "reset",
  "shelved",
  "unshelved",
  "suppressed",
  "unsuppressed",
  "out-of-service",
  "in-service",
] as const;
export type Change = (typeof CHANGES)[number];

export interface Step {
  /** The very object that was given when nothing is different: that is nearly every reading of every alarm. */
  state: AlarmState;
  changes: readonly Change[];
}
const NO_CHANGES: readonly Change[] = [];

export type Command =
  | { do: "acknowledge"; by: string }
  | { do: "reset"; by: string }
  | { do: "shelve"; by: string; reason: string; until: EpochMs; once?: true | undefined }
  | { do: "unshelve"; by: string }
  | { do: "suppress"; by: string }
  | { do: "unsuppress"; by: string }
  | { do: "out-of-service"; by: string; reason: string }
  | { do: "in-service"; by: string };

/** True while the alarm should sound, notify and stand in the list of active alarms. */
export function annunciates(state: AlarmState): boolean {
  const { phase } = state;
  const standing = phase.name === "active" || phase.name === "returned" || phase.name === "latched";
  return standing && !state.shelved && !state.suppressed && !state.outOfService;
}

/**
 * Advances one alarm by one finding. The caller brings the time and stores the result. Time must not
 * run backwards between calls; a repeated call with the same arguments changes nothing.
 */
export function step(state: AlarmState, finding: Finding, now: EpochMs, rule: AlarmRule): Step {
  const expired = state.shelved !== null && now >= state.shelved.until;
  const before = expired ? released({ ...state, shelved: null }) : state;
  const moved = advance(before, finding, now, rule);
  const changes = expired ? (["unshelved", ...moved.changes] as const) : moved.changes;
  if (!moved.state.shelved?.once || !changes.includes("cleared"))
    return { state: withFinding(moved.state, finding), changes };
  const ended = released({ ...moved.state, shelved: null, finding });
  return { state: ended, changes: [...changes, "unshelved"] };
}

/** Lets delays and shelving run out when no new reading came. */
export function tick(state: AlarmState, now: EpochMs, rule: AlarmRule): Step {
  return step(state, state.finding, now, rule);
}

function advance(state: AlarmState, finding: Finding, now: EpochMs, rule: AlarmRule): Step {
  const { phase } = state;
  const to = (next: Phase, ...changes: Change[]): Step => ({
    state: { ...state, phase: next },
    changes,
  });
  switch (phase.name) {
    case "normal":
      if (finding !== "breach") return unchanged(state);
      return rule.onDelayMs > 0 ? to({ name: "pending", since: now }) : raise(state, now);
    case "pending":
      if (finding === "unknown") return unchanged(state);
      if (finding !== "breach") return to({ name: "normal" });
      return now - phase.since >= rule.onDelayMs ? raise(state, now) : unchanged(state);
    case "active": {
      if (finding !== "clear") {
        const due =
          finding === "breach" &&
          rule.reAlarmMs !== undefined &&
          phase.ack !== null &&
          now - phase.ack.at >= rule.reAlarmMs;
        if (due) return to({ ...phase, clearSince: null, ack: null }, "re-alarmed");
        return phase.clearSince === null ? unchanged(state) : to({ ...phase, clearSince: null });
      }
      const clearSince = phase.clearSince ?? now;
      if (now - clearSince < rule.offDelayMs)
        return phase.clearSince === null ? to({ ...phase, clearSince }) : unchanged(state);
      const { occurrence, raisedAt, ack } = phase;
      const after = { occurrence, raisedAt, ack, clearedAt: now, breachSince: null };
      if (rule.latch) return to({ name: "latched", ...after }, "cleared");
      return ack
        ? to({ name: "normal" }, "cleared", "ended")
        : to({ name: "returned", ...after }, "cleared");
    }
    case "returned":
    case "latched": {
      if (finding === "unknown") return unchanged(state);
      if (finding !== "breach")
        return phase.breachSince === null ? unchanged(state) : to({ ...phase, breachSince: null });
      const since = phase.breachSince ?? now;
      if (now - since >= rule.onDelayMs) return raise(state, now);
      return phase.breachSince === null ? to({ ...phase, breachSince: since }) : unchanged(state);
    }
  }
}

function raise(state: AlarmState, now: EpochMs): Step {
  const count = state.count + 1;
  const phase: Phase = {
    name: "active",
    occurrence: count,
    raisedAt: now,
    ack: null,
    clearSince: null,
  };
  return { state: { ...state, count, phase }, changes: ["raised"] };
}

function unchanged(state: AlarmState): Step {
  return { state, changes: NO_CHANGES };
}

function withFinding(state: AlarmState, finding: Finding): AlarmState {
  return state.finding === finding ? state : { ...state, finding };
}

/** Carries out an operator's command. A command that does not apply changes nothing and is not an error. */
export function command(state: AlarmState, order: Command, now: EpochMs): Step {
  const { phase } = state;
  const done = (next: Partial<AlarmState>, ...changes: Change[]): Step => ({
    state: { ...state, ...next },
    changes,
  });
  switch (order.do) {
    case "acknowledge": {
      if (phase.name === "normal" || phase.name === "pending" || phase.ack) return unchanged(state);
      const ack = { at: now, by: order.by };
      if (phase.name === "returned")
        return done({ phase: afterEnd(phase.breachSince) }, "acknowledged", "ended");
      return done({ phase: { ...phase, ack } }, "acknowledged");
    }
    case "reset":
      if (phase.name !== "latched" || !phase.ack) return unchanged(state);
      return done({ phase: afterEnd(phase.breachSince) }, "reset", "ended");
    case "shelve":
      if (order.until <= now) return unchanged(state);
      return done(
        {
          shelved: {
            ...{ until: order.until, by: order.by, reason: order.reason },
            ...(order.once && { once: true }),
          },
        },
        "shelved",
      );
    case "unshelve":
      if (!state.shelved) return unchanged(state);
      return { state: released({ ...state, shelved: null }), changes: ["unshelved"] };
    case "suppress":
      return state.suppressed
        ? unchanged(state)
        : done({ suppressed: { since: now, by: order.by } }, "suppressed");
    case "unsuppress":
      if (!state.suppressed) return unchanged(state);
      return { state: released({ ...state, suppressed: null }), changes: ["unsuppressed"] };
    case "out-of-service":
      return state.outOfService
        ? unchanged(state)
        : done(
            { outOfService: { since: now, by: order.by, reason: order.reason } },
            "out-of-service",
          );
    case "in-service":
      if (!state.outOfService) return unchanged(state);
      return { state: released({ ...state, outOfService: null }), changes: ["in-service"] };
  }
}

function afterEnd(breachSince: EpochMs | null): Phase {
  return breachSince === null ? { name: "normal" } : { name: "pending", since: breachSince };
}

/** An alarm that comes out from under a flag while active is unacknowledged again; one that is over is normal. */
function released(state: AlarmState): AlarmState {
  const { phase } = state;
  if (phase.name === "active") return { ...state, phase: { ...phase, ack: null } };
  if (phase.name === "returned") return { ...state, phase: afterEnd(phase.breachSince) };
  return state;
}
