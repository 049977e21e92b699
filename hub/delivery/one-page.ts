import type { EpochMs } from "../../contract/clock.ts";
import type { Outbox } from "../notify/outbox.ts";
import type { Call, CallTable } from "./call-table.ts";
import type { IncidentPart } from "./incident-part.ts";
import type { DeliveryEvent } from "./pager.ts";

/** Symptoms that outlast their cause are told after this long: most of them clear by themselves. */
export const OUTLAST_MS = { urgent: 60_000, other: 5 * 60_000 };
/** A cause that shows so soon after its symptom was told is no second page. */
const SAME_MOMENT_MS = 30_000;

interface OnePageDeps {
  calls: CallTable;
  outbox: Pick<Outbox, "supersede">;
  tell(event: DeliveryEvent): void;
}

/**
 * Makes an incident one page: its symptoms are told with their cause, whichever of them showed first.
 * Nothing here is remembered but in the calls.
 */
export class OnePage {
  readonly #deps: OnePageDeps;

  constructor(deps: OnePageDeps) {
    this.#deps = deps;
  }

  /**
   * Puts a new call beside what the incident has told so far. `spokenFor`: it needs no first page of its
   * own; `page` is another call whose page goes out now, with this one in it.
   */
  begin(call: Call, part: IncidentPart, at: EpochMs): { spokenFor: boolean; page?: Call } {
    if (part.part === "cause") {
      const spokenFor = this.#inherit(call, at);
      this.#absorb(call, at);
      return { spokenFor };
    }
    if (part.part === "alone") return { spokenFor: false };
    if (this.#speaksFor(part.lead, call)) {
      this.#fold(call, part, at);
      return { spokenFor: true };
    }
    const page = this.#raised(call, part);
    if (!page) return { spokenFor: false };
    this.#fold(call, part, at);
    return { spokenFor: true, page };
  }

  /** A standing call has another place in its incident now. */
  regroup(call: Call, part: IncidentPart, now: EpochMs): void {
    if (part.part === "symptom" && this.#speaksFor(part.lead, call)) {
      this.#fold(call, part, now);
      return;
    }
    const wasFolded = call.state === "folded";
    const moved = { ...call, incident: part.incident, lead: null, state: "running" as const };
    this.#deps.calls.save({ ...moved, nextAt: wasFolded ? now : call.nextAt });
    if (part.part === "cause") this.#absorb(moved, now);
  }

  /** What an alarm spoke for has to speak for itself, unless it is over soon. */
  release(lead: string, at: EpochMs): void {
    const { calls } = this.#deps;
    for (const call of calls.foldedUnder(lead)) {
      const isUrgent = call.view.priority === 1;
      const nextAt = at + (isUrgent ? OUTLAST_MS.urgent : OUTLAST_MS.other);
      calls.save({ ...call, state: "running", lead: null, nextAt });
    }
  }

  /** The alarms that an answer to a page of this one speaks for. */
  together(alarm: string): string[] {
    const { calls } = this.#deps;
    const call = calls.get(alarm);
    const lead = call?.state === "folded" && call.lead !== null ? call.lead : alarm;
    return [...new Set([alarm, lead, ...calls.foldedUnder(lead).map((each) => each.alarm)])];
  }

  /** Whether an alarm's pages cover a symptom: they go on or were answered, and are as urgent. */
  #speaksFor(lead: string, { alarm, view }: Call): boolean {
    const call = lead === alarm ? undefined : this.#deps.calls.get(lead);
    if (!call || call.urgency > view.priority) return false;
    return call.state === "running" || (call.state === "ended" && call.why !== "withheld");
  }

  /** A cause nobody has been told of yet, as urgent as its symptom now; undefined when it was told or may not be. */
  #raised(symptom: Call, part: IncidentPart): Call | undefined {
    const { calls } = this.#deps;
    const lead = part.lead === symptom.alarm ? undefined : calls.get(part.lead);
    if (lead?.state !== "running" || lead.pages > 0 || lead.held) return undefined;
    const targets = [...new Set([...lead.targets, ...symptom.targets])];
    const raised = { ...lead, targets, urgency: symptom.view.priority };
    calls.save(raised);
    return raised;
  }

  /** Goes on where the pages of a symptom stand that reached the same people a moment ago; the next names both. */
  #inherit(cause: Call, at: EpochMs): boolean {
    const { calls, outbox } = this.#deps;
    const told = calls
      .ofIncident(cause.incident ?? "")
      .find(
        (call) =>
          call.alarm !== cause.alarm &&
          call.state === "running" &&
          call.urgency <= cause.urgency &&
          at - (call.asked.at(-1)?.at ?? 0) < SAME_MOMENT_MS &&
          cause.targets.every((target) => call.targets.includes(target)),
      );
    // What has not left the house yet is not sent at all: the cause's own page is the better one.
    const text = `told with ${cause.alarm}`;
    if (!told || outbox.supersede(told.alarm, told.occurrence, text).length > 0) return false;
    const { urgency, targets, nextAt, steps, repeats, pages, asked } = told;
    calls.save({ ...told, told: [] });
    const standing = { urgency, targets, nextAt, steps, repeats, pages, asked };
    calls.save({ ...cause, ...standing, told: told.told });
    return true;
  }

  /** Folds what the incident has told so far under its cause. */
  #absorb({ alarm, incident }: Call, at: EpochMs): void {
    if (incident === null) return;
    for (const call of this.#deps.calls.ofIncident(incident))
      if (call.alarm !== alarm && call.state === "running" && this.#speaksFor(alarm, call))
        this.#fold(call, { incident, lead: alarm }, at);
  }

  #fold(call: Call, part: Pick<IncidentPart, "incident" | "lead">, at: EpochMs): void {
    const { calls, outbox, tell } = this.#deps;
    const { alarm, occurrence, told } = call;
    const { incident, lead } = part;
    const text = `told with ${lead}`;
    const untold = new Set(outbox.supersede(alarm, occurrence, text));
    const folded = { ...call, incident, lead, state: "folded" as const, nextAt: null, why: null };
    calls.save({ ...folded, told: told.filter((receiver) => !untold.has(receiver)) });
    // What hung on it hangs on the new lead now.
    for (const under of calls.foldedUnder(alarm)) this.#fold(under, part, at);
    tell({ at, alarm, occurrence, kind: "held", text });
  }
}
