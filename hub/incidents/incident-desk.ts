import type { EpochMs } from "../../contract/clock.ts";
import type { TimelineEntry } from "../../contract/incident.ts";
import type { IncidentPart } from "../delivery/incident-part.ts";
import { type Incident, leadOf, type Member, nextLead, settle } from "./incident.ts";
import { IncidentBook } from "./incident-book.ts";
import type { IncidentStore } from "./incident-store.ts";
import { partIn } from "./member.ts";
import type { Topology } from "./topology.ts";

/** Moves alarms between incidents, in memory and in hub.db alike. Every write joins the open transaction. */
export class IncidentDesk {
  readonly #store: IncidentStore;
  readonly #topology: Topology;
  readonly #tell: ((alarm: string, part: IncidentPart) => void) | undefined;
  #book: IncidentBook | null = null;

  constructor(
    store: IncidentStore,
    topology: Topology,
    tell?: (alarm: string, part: IncidentPart) => void,
  ) {
    this.#store = store;
    this.#topology = topology;
    this.#tell = tell;
  }

  book(): IncidentBook {
    this.#book ??= new IncidentBook(this.#topology, this.#store.load());
    return this.#book;
  }

  /** What is on disk counts from now on. */
  forget(): void {
    this.#book = null;
  }

  begin({ alarm }: Member, at: EpochMs): Incident {
    const incident = this.#store.add(alarm, at);
    this.book().add(incident);
    return incident;
  }

  join(incident: Incident, member: Member): void {
    this.book().put(incident, member);
    this.#store.saveMember(incident, member);
  }

  leave(incident: Incident, { alarm }: Member): void {
    this.book().drop(incident, alarm);
    this.#store.dropMember(incident, alarm);
    const lead = incident.lead === alarm ? nextLead(incident) : undefined;
    if (lead) incident.lead = lead.alarm;
    this.#store.save(incident);
  }

  /** Everything of one incident goes into another, its story too. */
  absorb(from: Incident, into: Incident, now: EpochMs): void {
    for (const member of [...from.members.values()]) {
      this.leave(from, member);
      this.join(into, member);
    }
    this.#store.moveTimeline(from.id, into.id);
    into.openedAt = Math.min(into.openedAt, from.openedAt);
    Object.assign(from, { overAt: now, closedAt: now, mergedInto: into.id });
    this.#store.save(from);
    this.book().remove(from);
    this.#store.save(into);
    this.regroup(into);
  }

  /**
   * Delivery hears of the lead first, so that it can speak for the others. A symptom more urgent than its
   * lead goes on speaking as it did.
   */
  regroup(incident: Incident, except?: string): void {
    const lead = leadOf(incident);
    if (!lead || !this.#tell) return;
    if (lead.alarm !== except) this.#tell(lead.alarm, partIn(incident, lead.alarm));
    for (const { alarm, priority, active } of incident.members.values())
      if (alarm !== lead.alarm && active && priority >= lead.priority)
        this.#tell(alarm, partIn(incident, alarm));
  }

  settle(incident: Incident, now: EpochMs): void {
    const moved = settle(incident, now);
    if (moved === "over") {
      const text = "Nothing of it stands any more";
      this.note(incident, { at: now, kind: "over", text, alarm: null, by: null });
    }
    this.#store.save(incident);
  }

  note(incident: Incident, entry: TimelineEntry): void {
    this.#store.note(incident.id, entry);
  }
}
