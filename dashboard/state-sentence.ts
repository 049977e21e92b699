import type { AlarmView } from "../contract/api.ts";
import { countByPriority, isPresent, isUnacknowledged, listedAlarms } from "./alarm-order.ts";

export interface StateSentence {
  /** `1 critical · 5 high`, `Normal`, … */
  head: string;
  /** The rest, smaller. */
  rest: string[];
  /** Badge before the sentence; null when nothing is listed. */
  priority: AlarmView["priority"] | null;
  /** True only when nothing is wrong and nothing is unknown. */
  calm: boolean;
}

export interface Knowledge {
  alarms: readonly AlarmView[];
  /** Points without a present value. */
  silentPoints: number;
  points: number;
  /** Edge nodes that are not connected. */
  silentNodes: number;
}

const WORDS = ["critical", "high", "low", "note"] as const;
const counted = (n: number, i: number) => `${n} ${WORDS[i]}${i === 3 && n > 1 ? "s" : ""}`;
/** A sentence of more than two parts cannot be taken in at a glance. */
const MAX_PARTS = 2;

/** What the wall says first. Never `Normal` while something is not known. */
export function stateSentence({
  alarms,
  silentPoints,
  points,
  silentNodes,
}: Knowledge): StateSentence {
  const listed = listedAlarms(alarms);
  const waiting = listed.filter(isUnacknowledged).length;
  const acknowledged = waiting > 0 ? [`${waiting} not acknowledged`] : [];
  const present = listed.filter(isPresent);
  if (present.length > 0) {
    const parts = countByPriority(present).flatMap((n, i) => (n > 0 ? [counted(n, i)] : []));
    const priority = Math.min(...present.map((alarm) => alarm.priority)) as AlarmView["priority"];
    const head = parts.slice(0, MAX_PARTS).join(" · ");
    const rest = waiting > 0 ? acknowledged : ["all acknowledged"];
    return { head, rest: [...parts.slice(MAX_PARTS), ...rest], priority, calm: false };
  }
  if (points === 0) return { head: "No points yet", rest: [], priority: null, calm: false };
  if (silentPoints === points)
    return { head: "No readings", rest: [`0 of ${points} points`], priority: null, calm: false };
  const first = listed[0];
  if (first) return { head: "Cleared", rest: acknowledged, priority: first.priority, calm: false };
  if (silentPoints > 0 || silentNodes > 0) {
    const rest = [`${silentPoints} of ${points} points without a reading`];
    return { head: "No active alarms", rest, priority: null, calm: false };
  }
  return { head: "Normal", rest: ["no active alarms"], priority: null, calm: true };
}
