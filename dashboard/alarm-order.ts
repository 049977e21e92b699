import type { AlarmView } from "../contract/api.ts";

/** Listed: neither normal, nor taken out of sight on purpose. */
export function isListed(alarm: AlarmView): boolean {
  return (
    alarm.state !== "normal" && !alarm.shelved && !alarm.suppressed && alarm.outOfService === null
  );
}

/** The condition is there now, as opposed to returned and waiting for a person. */
export function isPresent(alarm: AlarmView): boolean {
  return alarm.state === "active" || alarm.state === "acknowledged";
}

/**
 * Marked where it happens, on the plan and the key figures. What has cleared by itself and only waits for
 * a person stands in the list alone: the plan shows the present.
 */
export function isMarked(alarm: AlarmView): boolean {
  return isListed(alarm) && (isPresent(alarm) || alarm.state === "latched");
}

export function isUnacknowledged(alarm: AlarmView): boolean {
  return alarm.ack === null && alarm.state !== "normal";
}

/** Unacknowledged first, then priority, then newest; the id keeps equal ones in place. */
export function compareAlarms(a: AlarmView, b: AlarmView): number {
  return (
    Number(isUnacknowledged(b)) - Number(isUnacknowledged(a)) ||
    a.priority - b.priority ||
    (b.raisedAt ?? 0) - (a.raisedAt ?? 0) ||
    a.id.localeCompare(b.id)
  );
}

export function listedAlarms(alarms: readonly AlarmView[]): AlarmView[] {
  return alarms.filter(isListed).sort(compareAlarms);
}

export type Counts = [p1: number, p2: number, p3: number, p4: number];
export function countByPriority(alarms: readonly AlarmView[]): Counts {
  const counts: Counts = [0, 0, 0, 0];
  for (const { priority } of alarms) counts[priority - 1] = (counts[priority - 1] ?? 0) + 1;
  return counts;
}

/**
 * The alarms a list of `capacity` rows shows, in order. Every priority 1 is among them as long as there are
 * not more of those than rows; the rest fill up in order.
 */
export function chooseVisible(
  ordered: readonly AlarmView[],
  capacity: number,
): { visible: AlarmView[]; hidden: Counts } {
  const { visible, left } = chooseByPriority(ordered, capacity);
  return { visible, hidden: countByPriority(left) };
}

/** The same for anything that has a priority. */
export function chooseByPriority<T extends { priority: AlarmView["priority"] }>(
  ordered: readonly T[],
  capacity: number,
): { visible: T[]; left: T[] } {
  const critical = ordered.filter(({ priority }) => priority === 1).slice(0, capacity);
  const others = ordered.filter(({ priority }) => priority !== 1);
  const chosen = new Set([
    ...critical,
    ...others.slice(0, Math.max(0, capacity - critical.length)),
  ]);
  return {
    visible: ordered.filter((each) => chosen.has(each)),
    left: ordered.filter((each) => !chosen.has(each)),
  };
}

/** `+2 more, both P3`, `+7 more: 3 P2, 4 P3`; empty when nothing is hidden. */
export function hiddenText(hidden: Counts): string {
  const total = hidden.reduce((sum, n) => sum + n, 0);
  if (total === 0) return "";
  const parts = hidden.flatMap((n, i) => (n > 0 ? [{ n, name: `P${i + 1}` }] : []));
  const only = parts.length === 1 ? parts[0] : undefined;
  if (only)
    return `+${total} more, ${total === 1 ? "" : total === 2 ? "both " : "all "}${only.name}`;
  return `+${total} more: ${parts.map(({ n, name }) => `${n} ${name}`).join(", ")}`;
}

/** The worst priority among marked alarms that pass the test, or null. */
export function worstPriority(
  alarms: readonly AlarmView[],
  about: (alarm: AlarmView) => boolean,
): AlarmView["priority"] | null {
  let worst: AlarmView["priority"] | null = null;
  for (const alarm of alarms)
    if (isMarked(alarm) && about(alarm) && (worst === null || alarm.priority < worst))
      worst = alarm.priority;
  return worst;
}
