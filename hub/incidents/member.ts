import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { Transition } from "../alarms/transition.ts";
import type { IncidentPart } from "../delivery/incident-part.ts";
import type { Fact } from "./fact.ts";
import { type Incident, leadOf, type Member } from "./incident.ts";

/** The part of a transition that incidents look at. */
export type Change = Pick<Transition, "view" | "at" | "changes" | "cause">;

type Standing = Pick<
  Member,
  "priority" | "runbook" | "active" | "muted" | "ended" | "ack" | "clearedAt" | "occurrence"
>;

/** True while an alarm's condition stands and nothing keeps it quiet. */
export function sounds(view: AlarmView): boolean {
  return isActive(view) && !isMuted(view);
}

export function memberOf(view: AlarmView, fact: Fact, at: EpochMs): Member {
  const { id: alarm, occurrence, title, place, priority, runbook, ack } = view;
  return {
    ...{ alarm, occurrence, title, place, priority, runbook, fact, ack },
    ...{ active: isActive(view), muted: isMuted(view), ended: false, clearedAt: null },
    ...{ joinedAt: at, byHand: false },
  };
}

/** How an alarm stands after a change. */
export function standingAfter(before: Member, { view, changes, cause, at }: Change): Standing {
  const gone = changes.includes("withdrawn");
  const isNew = changes.includes("raised");
  const over = gone || !isActive(view);
  const acked = changes.includes("acknowledged") ? { at, by: cause.by } : view.ack;
  return {
    occurrence: view.occurrence,
    priority: view.priority,
    // A rule that is gone has none any more; what it said still helps.
    runbook: view.runbook ?? before.runbook,
    active: !over,
    muted: !gone && isMuted(view),
    ended: gone || view.state === "normal",
    ack: acked ?? (isNew || !over ? null : before.ack),
    clearedAt: over ? (before.clearedAt ?? view.clearedAt ?? at) : null,
  };
}

export function partIn(incident: Incident, alarm: string): IncidentPart {
  const { id, lead, members } = incident;
  if (alarm !== lead) return { incident: id, part: "symptom", lead };
  return { incident: id, part: members.size > 1 ? "cause" : "alone", lead };
}

export function titleOf(incident: Incident): string {
  return leadOf(incident)?.title ?? incident.id;
}

const isActive = ({ state }: AlarmView): boolean => state === "active" || state === "acknowledged";
const isMuted = ({ shelved, suppressed, outOfService }: AlarmView): boolean =>
  shelved !== null || suppressed || outOfService !== null;
