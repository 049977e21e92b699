import type { Priority } from "../../contract/alarm/rule.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { IncidentState } from "../../contract/incident.ts";
import type { Fact } from "./fact.ts";

/** An alarm in its incident. Changed in place. */
export interface Member {
  alarm: string;
  occurrence: number;
  title: string;
  /** The place as people call it. */
  place: string | null;
  priority: Priority;
  runbook: string | null;
  fact: Fact;
  /** Its condition stands. */
  active: boolean;
  /** Shelved, suppressed or out of service: it keeps no incident open. */
  muted: boolean;
  /** Over and acknowledged: nobody waits for it any more. */
  ended: boolean;
  ack: { at: EpochMs; by: string } | null;
  clearedAt: EpochMs | null;
  joinedAt: EpochMs;
  byHand: boolean;
}

/** Changed in place. Which incident an alarm belongs to stands here and nowhere else. */
export interface Incident {
  id: string;
  /** The alarm that speaks for it. */
  lead: string;
  openedAt: EpochMs;
  overAt: EpochMs | null;
  closedAt: EpochMs | null;
  /** Set when it was closed because its alarms went there. */
  mergedInto: string | null;
  members: Map<string, Member>;
}

/** An incident that is over and acknowledged is closed only after such a calm: an alarm that comes back belongs to it. */
export const SETTLE_MS = 10 * 60_000;

export const isStanding = ({ active, muted }: Member): boolean => active && !muted;

export function stateOf({ overAt, closedAt }: Incident): IncidentState {
  if (closedAt !== null) return "closed";
  return overAt === null ? "open" : "over";
}

export function leadOf(incident: Incident): Member | undefined {
  return incident.members.get(incident.lead);
}

/** When a cause last gave a sign of itself. */
export function newestSign({ members }: Incident): EpochMs {
  let newest = 0;
  for (const { fact } of members.values()) newest = Math.max(newest, fact.raisedAt);
  return newest;
}

/** Moves it between open and over, as its members say; true when it moved. */
export function settle(incident: Incident, now: EpochMs): "opened" | "over" | null {
  const stands = [...incident.members.values()].some(isStanding);
  if (stands && incident.overAt !== null) {
    incident.overAt = null;
    return "opened";
  }
  if (stands || incident.overAt !== null) return null;
  incident.overAt = now;
  return "over";
}

/** Whether nobody waits for anything in it any more. */
export function mayClose({ overAt, closedAt, members }: Incident, now: EpochMs): boolean {
  if (closedAt !== null || overAt === null || now - overAt < SETTLE_MS) return false;
  return [...members.values()].every(({ ended, muted, active }) => ended || (muted && active));
}

/** Who speaks when the lead has left: the most urgent that stands, then the oldest. */
export function nextLead({ members }: Incident): Member | undefined {
  return [...members.values()].sort(
    (a, b) =>
      Number(isStanding(b)) - Number(isStanding(a)) ||
      a.priority - b.priority ||
      a.fact.raisedAt - b.fact.raisedAt,
  )[0];
}
