import type { Change as AlarmChange } from "../../contract/alarm/engine.ts";
import type { AlarmView } from "../../contract/api.ts";
import type { TimelineEntry } from "../../contract/incident.ts";
import { durationText } from "../alarms/alarm-face.ts";
import type { DeliveryEvent } from "../delivery/pager.ts";
import type { Member } from "./incident.ts";
import type { Change } from "./member.ts";

type Words = Pick<TimelineEntry, "kind" | "text">;

/** "A03 31.8 °C" with its place, unless it says that itself. */
export function named({ title, place }: Pick<Member, "title" | "place">): string {
  return place === null || title.includes(place) ? title : `${title} (${place})`;
}

/** What one change of an alarm says in a story; null for what nobody needs to read. */
export function wordsOf(
  change: AlarmChange | "withdrawn",
  { view, cause, at }: Change,
): Words | null {
  const what = named(view);
  const by = cause.by === "hub" ? null : cause.by;
  const why = cause.reason === undefined ? "" : `: ${cause.reason}`;
  switch (change) {
    case "raised":
      return { kind: "raised", text: what };
    case "re-alarmed":
      return { kind: "raised", text: `Still on: ${what}` };
    case "cleared":
      return { kind: "cleared", text: `Over: ${overWords(view)}` };
    case "withdrawn":
      return { kind: "cleared", text: `No longer watched: ${what}${why}` };
    case "acknowledged":
      return { kind: "acknowledged", text: `${by ?? "The hub"} acknowledged ${what}` };
    case "reset":
      return { kind: "acknowledged", text: `${by ?? "The hub"} reset ${what}` };
    case "shelved": {
      const forMs = (cause.until ?? at) - at;
      const span = forMs > 0 ? ` for ${durationText(forMs)}` : "";
      return { kind: "shelved", text: `${by ?? "The hub"} shelved ${what}${span}${why}` };
    }
    case "out-of-service":
      return { kind: "shelved", text: `${by ?? "The hub"} took ${what} out of service${why}` };
    case "suppressed":
      return { kind: "shelved", text: `${what} is suppressed` };
    case "unshelved":
    case "unsuppressed":
    case "in-service":
      return { kind: "shelved", text: `${what} is watched again` };
    case "ended":
      return null;
  }
}

/** A title that tells of the value when it was too high would contradict the one of now. */
function overWords(view: AlarmView): string {
  const { value, limit, unit, title, place, subject } = view;
  if (value === null || limit === null) return named(view);
  const tellsValue = [...title.matchAll(/\d ?([^\s\d]+)/g)].some(([, word]) => word === unit);
  const what = tellsValue ? (place ?? subject) : named(view);
  return `${what}, now ${Number(value.toFixed(1))} ${unit}`.trim();
}

export function joinedWords(what: string, because: string): Words {
  return { kind: "joined", text: `${what}, which follows from: ${because}` };
}

/** At most three by name. */
export function takenWords(titles: readonly string[]): Words {
  const shown = titles.slice(0, 3).join("; ");
  const more = titles.length > 3 ? `; and ${titles.length - 3} more` : "";
  return { kind: "joined", text: `It explains what was raised before: ${shown}${more}` };
}

/** What delivery says; null for what stands in the story already. */
export function deliveryWords({ kind, text }: DeliveryEvent, title: string): Words | null {
  switch (kind) {
    case "told":
    case "escalated":
    case "not-told":
      return { kind, text: `${capital(text)} (${title})` };
    case "held":
      return text.startsWith("told with")
        ? null
        : { kind: "not-told", text: `${capital(text)} (${title})` };
    case "acknowledged":
      return null;
  }
}

const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
