import type { Fact } from "./fact.ts";
import type { Incident, Member } from "./incident.ts";
import type { Topology } from "./topology.ts";

/** Every incident that is not closed, in memory, found by alarm and by place. */
export class IncidentBook {
  readonly #topology: Topology;
  readonly #incidents = new Map<string, Incident>();
  readonly #byAlarm = new Map<string, Incident>();
  /** Incidents with a member at a place, or read by a node. */
  readonly #near = new Map<string, Set<Incident>>();

  constructor(topology: Topology, incidents: readonly Incident[]) {
    this.#topology = topology;
    for (const incident of incidents) this.add(incident);
  }

  get = (id: string): Incident | undefined => this.#incidents.get(id);
  ofAlarm = (alarm: string): Incident | undefined => this.#byAlarm.get(alarm);
  all = (): Incident[] => [...this.#incidents.values()];

  add(incident: Incident): void {
    this.#incidents.set(incident.id, incident);
    for (const member of incident.members.values()) this.#index(incident, member);
  }

  put(incident: Incident, member: Member): void {
    incident.members.set(member.alarm, member);
    this.#index(incident, member);
  }

  /** Takes a member out; the caller puts it elsewhere. */
  drop(incident: Incident, alarm: string): void {
    incident.members.delete(alarm);
    this.#byAlarm.delete(alarm);
  }

  remove(incident: Incident): void {
    this.#incidents.delete(incident.id);
    for (const alarm of incident.members.keys())
      if (this.#byAlarm.get(alarm) === incident) this.#byAlarm.delete(alarm);
    for (const set of this.#near.values()) set.delete(incident);
  }

  /** Incidents with a member that may explain the fact, or that it may explain. */
  candidates(fact: Fact): Set<Incident> {
    const { place, node, nature, kind } = fact;
    const found = new Set<Incident>();
    const look = (key: string) => {
      for (const incident of this.#near.get(key) ?? []) found.add(incident);
    };
    look(place);
    for (const other of this.#topology.causesOf(place)) look(other);
    for (const other of this.#topology.effectsOf(place)) look(other);
    for (const other of this.#topology.neighbours(place)) look(other);
    if (nature === "silence" && node !== null) look(kind === "node" ? readBy(node) : node);
    if (kind === "bus" && node !== null) look(readBy(node));
    if (nature === "silence" && node !== null && fact.bus !== null) look(`${node}/${fact.bus}`);
    return found;
  }

  #index(incident: Incident, { alarm, fact }: Member): void {
    this.#byAlarm.set(alarm, incident);
    this.#mark(fact.place, incident);
    if (fact.nature === "silence" && fact.node !== null) this.#mark(readBy(fact.node), incident);
  }

  #mark(key: string, incident: Incident): void {
    const known = this.#near.get(key);
    if (known) known.add(incident);
    else this.#near.set(key, new Set([incident]));
  }
}

const readBy = (node: string): string => `read by ${node}`;
