import type { AlarmView } from "../contract/api.ts";
import type { IncidentView } from "../contract/incident.ts";
import {
  type Counts,
  chooseByPriority,
  countByPriority,
  isPresent,
  isUnacknowledged,
} from "./alarm-order.ts";

type Priority = AlarmView["priority"];

/** One line of the alarm list: an alarm, or an incident with the alarms that stand behind its lead. */
export interface ListRow {
  /** The alarm that speaks. */
  alarm: AlarmView;
  /** Shown by this row; undefined for an alarm that stands for itself. */
  incident: IncidentView | undefined;
  /** Alarms of the incident that have no row of their own; never one of priority 1. */
  folded: AlarmView[];
  /** The most urgent of everything in the incident, so that folding hides no urgency. */
  priority: Priority;
}

/**
 * Gives every incident one row, at the place of the first of its alarms; a priority 1 symptom keeps its own
 * row right below. `ordered` is `listedAlarms`. Alarms of an incident nobody described stay as they are.
 */
export function foldRows(
  ordered: readonly AlarmView[],
  incidents: readonly IncidentView[] | null,
): ListRow[] {
  const known = new Map(incidents?.map((incident) => [incident.id, incident]));
  const groups = new Map<string, AlarmView[]>();
  for (const alarm of ordered) {
    const key = alarm.incident && known.has(alarm.incident) ? `i ${alarm.incident}` : alarm.id;
    const group = groups.get(key);
    if (group) group.push(alarm);
    else groups.set(key, [alarm]);
  }
  return [...groups.values()].flatMap((members) =>
    rowsOf(members, known.get(members[0]?.incident ?? "")),
  );
}

function rowsOf(members: readonly AlarmView[], incident: IncidentView | undefined): ListRow[] {
  // A lead that was shelved, or is over, no longer speaks: the most urgent of the others does.
  const alarm = members.find(({ id }) => id === incident?.lead) ?? members[0];
  if (!alarm) return [];
  const others = members.filter((member) => member !== alarm);
  const folded = others.filter((member) => member.priority !== 1);
  const own = others.filter((member) => member.priority === 1);
  const priority = Math.min(...members.map((member) => member.priority)) as Priority;
  return [
    { alarm, incident, folded, priority },
    ...own.map((each) => ({
      ...{ alarm: each, incident: undefined, folded: [], priority: each.priority },
    })),
  ];
}

/** As `chooseVisible`; what is hidden is counted in alarms, those behind hidden rows too. */
export function chooseRows(
  rows: readonly ListRow[],
  capacity: number,
): { visible: ListRow[]; hidden: Counts } {
  const { visible, left } = chooseByPriority(rows, capacity);
  return { visible, hidden: countByPriority(left.flatMap((row) => [row.alarm, ...row.folded])) };
}

/** Everything that this row alone stands for. */
export function spokenFor({ alarm, folded }: ListRow): AlarmView[] {
  return [alarm, ...folded];
}

export function isRowOver(row: ListRow): boolean {
  return !spokenFor(row).some(isPresent);
}

/** How many of the row's alarms nobody has acknowledged. */
export function waitingIn(row: ListRow): number {
  return spokenFor(row).filter(isUnacknowledged).length;
}

/**
 * `and 5 more: A03, A04, B01 …`, with as many places as `fits` allows; the number is always there. Empty
 * when nothing is folded. Names what it follows from when the lead itself does not speak.
 */
export function moreText(
  { alarm, incident, folded }: ListRow,
  fits: (text: string) => boolean = () => true,
): string {
  if (folded.length === 0) return "";
  const isLead = incident?.lead === alarm.id;
  const head = `and ${folded.length} more`;
  const named = isLead || !incident ? head : `${head}, from ${incident.title}`;
  const places = [...new Set(folded.flatMap(({ place }) => place ?? []))];
  let best = fits(named) ? named : head;
  for (let shown = 1; shown <= places.length; shown++) {
    const rest = shown < places.length ? " …" : "";
    const text = `${named}: ${places.slice(0, shown).join(", ")}${rest}`;
    if (!fits(text)) break;
    best = text;
  }
  return best;
}
