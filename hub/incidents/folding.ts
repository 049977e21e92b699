import type { Fact } from "./fact.ts";
import { type Incident, leadOf, type Member, newestSign } from "./incident.ts";
import { explains, fits, MEDIA, type Medium } from "./link.ts";
import type { Topology } from "./topology.ts";

/** Where an alarm that has just been raised belongs. */
export interface Fold {
  /** The incident whose symptom it is; null when nothing explains it. */
  joins: Incident | null;
  /** The alarm that explains it. */
  because: Member | null;
  /** Incidents whose lead it explains: their alarms follow from it. */
  takes: Incident[];
}

interface Explanation {
  incident: Incident;
  cause: Member;
  medium: Medium;
}

/**
 * Decides by topology and time alone. `candidates` are the incidents not closed that have members near
 * the fact; asking for more changes nothing but the time it takes.
 */
export function fold(fact: Fact, candidates: Iterable<Incident>, topology: Topology): Fold {
  const found: Explanation[] = [];
  const takes: Incident[] = [];
  for (const incident of candidates) {
    const freshAt = newestSign(incident);
    for (const cause of incident.members.values()) {
      if (cause.alarm === fact.alarm) continue;
      const medium = explains(topology, cause.fact, fact);
      if (medium && fits(medium, cause, fact, freshAt)) found.push({ incident, cause, medium });
    }
    if (isExplained(incident, fact, topology)) takes.push(incident);
  }
  const [best] = found.sort(byWorth(fact, topology));
  return {
    joins: best?.incident ?? null,
    because: best?.cause ?? null,
    takes: takes.filter((incident) => incident !== best?.incident).sort(byAge),
  };
}

/** True when the new alarm stands above the one that has spoken so far. What a person decided stays. */
function isExplained(incident: Incident, fact: Fact, topology: Topology): boolean {
  const lead = leadOf(incident);
  if (!lead || lead.byHand || lead.alarm === fact.alarm) return false;
  if (explains(topology, lead.fact, fact)) return false;
  const medium = explains(topology, fact, lead.fact);
  if (!medium || medium === "same" || medium === "neighbour") return false;
  return fits(medium, { fact, clearedAt: null }, lead.fact, fact.raisedAt);
}

/** The closest explanation first: by medium, by distance on the plan, then the newest before the symptom. */
function byWorth(fact: Fact, topology: Topology) {
  const metres = ({ cause }: Explanation) =>
    topology.distanceM(cause.fact.place, fact.place) ?? Number.POSITIVE_INFINITY;
  // A generator that fails is rarely why a UPS lost its input; the utility is.
  const rank = ({ cause }: Explanation) => Number(cause.fact.kind === "generator");
  return (a: Explanation, b: Explanation): number =>
    MEDIA.indexOf(a.medium) - MEDIA.indexOf(b.medium) ||
    Number(a.cause.clearedAt !== null) - Number(b.cause.clearedAt !== null) ||
    rank(a) - rank(b) ||
    compare(metres(a), metres(b)) ||
    b.cause.fact.raisedAt - a.cause.fact.raisedAt ||
    (a.cause.alarm < b.cause.alarm ? -1 : 1);
}

// Infinity minus Infinity is no number.
const compare = (a: number, b: number) => (a === b ? 0 : a - b);
const byAge = (a: Incident, b: Incident) => a.openedAt - b.openedAt || (a.id < b.id ? -1 : 1);
