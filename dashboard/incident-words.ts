import type { IncidentView } from "../contract/incident.ts";
import { clockTime, shortAge, shortDate } from "./time.ts";

/** What an incident is now, in one line. */
export function incidentState(incident: IncidentView, now: number, timeZone: string): string {
  const { state, openedAt, overAt, closedAt, activeAlarms, symptoms, ack } = incident;
  const when = (at: number) => timeOn(at, now, timeZone);
  const began = `since ${when(openedAt)}`;
  // The others may still wait for a person.
  const who = symptoms > 0 ? "cause " : "";
  const acknowledged = ack
    ? `${who}acknowledged by ${ack.by} at ${when(ack.at)}`
    : `${who}not acknowledged`;
  switch (state) {
    case "open": {
      const count = activeAlarms === 1 ? "1 active alarm" : `${activeAlarms} active alarms`;
      return [began, count, acknowledged].join(" · ");
    }
    case "over":
      return [`over since ${when(overAt ?? openedAt)}`, acknowledged].join(" · ");
    case "closed":
      return `${when(openedAt)} to ${when(overAt ?? closedAt ?? openedAt)} · lasted ${lasted(incident)}`;
  }
}

function lasted({ openedAt, overAt, closedAt }: IncidentView): string {
  return shortAge((overAt ?? closedAt ?? openedAt) - openedAt);
}

/** The time of day, with the date once it is not today's. */
export function timeOn(at: number, now: number, timeZone: string): string {
  const day = shortDate(at, timeZone);
  const time = clockTime(at, timeZone);
  return day === shortDate(now, timeZone) ? time : `${day} ${time}`;
}

const MAX_NAMED = 8;

/** `A03, A04 and 3 more`. */
export function placesText(places: readonly string[]): string {
  const shown = places.slice(0, MAX_NAMED).join(", ");
  const more = places.length - MAX_NAMED;
  return more > 0 ? `${shown} and ${more} more` : shown;
}
