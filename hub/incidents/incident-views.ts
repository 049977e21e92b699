import type { AlarmView } from "../../contract/api.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type {
  IncidentDetail,
  IncidentMember,
  IncidentView,
  Race,
} from "../../contract/incident.ts";
import { type Incident, isStanding, leadOf, type Member, stateOf } from "./incident.ts";
import type { Incidents } from "./incidents.ts";
import { partIn, titleOf } from "./member.ts";

const MAX_MEMBERS = 1_000;
const MAX_PLACES = 500;
const MAX_FEEDS = 500;
/** A closed incident stays in the short list so long. */
export const RECENT_MS = 24 * 3_600_000;
const MAX_RECENT = 50;

export interface ViewDeps {
  incidents: Incidents;
  /** How an alarm stands and reads now. */
  alarm(id: string): AlarmView | undefined;
  race(incident: Incident): Race | null;
  now(): EpochMs;
}

/** What people are shown of incidents. */
export class IncidentViews {
  readonly #deps: ViewDeps;

  constructor(deps: ViewDeps) {
    this.#deps = deps;
  }

  /** Open ones first, most urgent first, then what is over, then what was closed within a day. */
  list(): IncidentView[] {
    const { incidents, now } = this.#deps;
    const recent = incidents.store
      .closed(MAX_RECENT)
      .filter(
        ({ closedAt, mergedInto }) => mergedInto === null && now() - (closedAt ?? 0) < RECENT_MS,
      );
    return [...incidents.open(), ...recent].map((incident) => this.view(incident)).sort(byUrgency);
  }

  /** Closed ones, the newest first. */
  closed(limit: number, before?: string): { items: IncidentView[]; next: string | null } {
    const found = this.#deps.incidents.store.closed(limit, before);
    const items = found.filter(({ mergedInto }) => mergedInto === null);
    const next = found.length === limit ? (found.at(-1)?.id ?? null) : null;
    return { items: items.map((incident) => this.view(incident)), next };
  }

  view(incident: Incident): IncidentView {
    const { id, lead, openedAt, overAt, closedAt, members } = incident;
    const all = [...members.values()];
    const standing = all.filter(isStanding);
    const speaks = leadOf(incident);
    const urgent = standing.length > 0 ? standing : all;
    const places = new Set(
      all.filter(({ alarm }) => alarm !== lead).flatMap(({ place }) => place ?? []),
    );
    return {
      ...{ id, lead, openedAt, overAt, closedAt },
      title: speaks ? titleNow(speaks, this.#deps.alarm(lead)) : titleOf(incident),
      state: stateOf(incident),
      priority: urgent.reduce<IncidentView["priority"]>(
        (best, { priority }) => (priority < best ? priority : best),
        4,
      ),
      symptoms: Math.max(0, members.size - 1),
      activeAlarms: standing.length,
      places: [...places].slice(0, MAX_PLACES),
      ack: speaks?.ack ?? null,
      race: closedAt === null ? this.#deps.race(incident) : null,
    };
  }

  detail(incident: Incident): IncidentDetail {
    const { topology, store } = this.#deps.incidents;
    const speaks = leadOf(incident);
    const place = speaks?.fact.place ?? "";
    const feeds = [...topology.effectsOf(place)].flatMap((id) => {
      const known = topology.place(id);
      return known ? [{ id, label: known.label, kind: known.kind as string }] : [];
    });
    const members = [...incident.members.values()]
      .sort(
        (a, b) =>
          Number(b.alarm === incident.lead) - Number(a.alarm === incident.lead) ||
          Number(isStanding(b)) - Number(isStanding(a)) ||
          a.priority - b.priority ||
          a.joinedAt - b.joinedAt,
      )
      .slice(0, MAX_MEMBERS);
    return {
      ...this.view(incident),
      runbook: speaks?.runbook ?? null,
      members: members.map((member) => this.#member(incident, member)),
      feeds: feeds.slice(0, MAX_FEEDS),
      timeline: store.timeline(incident.id),
    };
  }

  /** The alarm with its place in its incident. */
  labelled(view: AlarmView): AlarmView {
    const part = this.#deps.incidents.partOf(view.id);
    return { ...view, incident: part?.incident ?? null, part: part?.part ?? null };
  }

  #member(incident: Incident, member: Member): IncidentMember {
    const { alarm, occurrence, place, priority, active, ack, joinedAt, byHand } = member;
    return {
      ...{ alarm, occurrence, place, priority, active, joinedAt, byHand },
      part: partIn(incident, alarm).part === "symptom" ? "symptom" : "cause",
      title: titleNow(member, this.#deps.alarm(alarm)),
      acknowledged: ack !== null,
    };
  }
}

/** The words it has now while it stands; afterwards those it was raised with. */
function titleNow(member: Member, view: AlarmView | undefined): string {
  return member.active && view && view.occurrence === member.occurrence ? view.title : member.title;
}

const STATE_RANK = { open: 0, over: 1, closed: 2 };
const byUrgency = (a: IncidentView, b: IncidentView): number =>
  STATE_RANK[a.state] - STATE_RANK[b.state] ||
  (a.state === "open" ? a.priority - b.priority : 0) ||
  b.openedAt - a.openedAt;
