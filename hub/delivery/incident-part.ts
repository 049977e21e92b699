import type { AlarmView } from "../../contract/api.ts";

/** An alarm's place in its incident. */
export interface IncidentPart {
  incident: string;
  /** `alone`: an incident of one. */
  part: "cause" | "symptom" | "alone";
  /** The alarm that speaks for the incident. */
  lead: string;
  /** Others may follow from this one, as from what powers them or cools them. */
  mayLead?: boolean;
}

/** The place of an alarm that belongs to nothing bigger. */
export function alone({ id, occurrence }: Pick<AlarmView, "id" | "occurrence">): IncidentPart {
  return { incident: `${id}/${occurrence}`, part: "alone", lead: id };
}
