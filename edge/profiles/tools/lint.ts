import { loadProfile, ProfileError } from "../load.ts";
import { planRequests } from "../plan.ts";
import { keysOf } from "../scaling.ts";
import type { Profile } from "../schema.ts";
import { stationsOf } from "../stations.ts";
import { lineShare, speedOf } from "./line-plan.ts";

/** What there is to say about a profile. One with problems cannot be used. */
export interface Lint {
  id: string;
  experimental: boolean;
  /** Mistakes, each with file:line:column. */
  problems: string[];
  /** What somebody who uses it should know. */
  notes: string[];
}

/** Alarm bits that are read more seldom can miss what happens between two polls. */
const ALARM_EVERY_MS = 2_000;
/** A device that takes more of its line leaves no room for a second one. */
const MOST_SHARE = 0.5;

/** Checks one of the profiles that come with Plenum. Never throws for what stands in the file. */
export function lintProfile(id: string): Lint {
  try {
    const profile = loadProfile(id);
    return { id, experimental: profile.experimental, problems: [], notes: notesOn(profile) };
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    return { id, experimental: false, problems: error.problems, notes: [] };
  }
}

/** As a person reads it on a terminal. */
export function lintText({ id, problems, notes }: Lint): string {
  const verdict = problems.length === 0 ? "is right" : counted(problems.length, "problem");
  return [`${id}: ${verdict}`, ...problems, ...notes.map((note) => `  ${note}`)].join("\n");
}

/** One line for `check` and the like, or undefined for a profile that is no experiment. */
export function experimentalNote({ id, experimental, source }: Profile): string | undefined {
  if (!experimental) return undefined;
  return `${id} is experimental (${source.via ?? source.doc}): compare every value with the device's own display`;
}

function notesOn(profile: Profile): string[] {
  const thin = experimentalNote(profile);
  const { verified } = profile.source;
  const share = lineShare(profile, speedOf(profile));
  return [
    ...(thin ? [thin] : []),
    ...(verified === "device" ? [] : [`never compared with a real device (${verified})`]),
    ...(profile.identify.length === 0
      ? ["has no identity: another model at its unit number is not noticed"]
      : []),
    ...lateAlarms(profile),
    ...lateKeys(profile),
    ...(profile.link.rtu && share > MOST_SHARE
      ? [
          `takes ${Math.round(100 * share)} % of a line at ${profile.link.rtu.baud} baud by itself; give it a line of its own or longer periods`,
        ]
      : []),
  ];
}

function lateAlarms({ points, classes }: Profile): string[] {
  const late = points.filter(
    ({ quantity, class: name }) => quantity === "flag" && (classes[name] ?? 0) > ALARM_EVERY_MS,
  );
  if (late.length === 0) return [];
  return [
    `${counted(late.length, "flag")} read every ${(classes[late[0]?.class ?? ""] ?? 0) / 1_000} s; what lasts shorter is missed`,
  ];
}

/** A value whose scale comes with another request is not ready in the first period. */
function lateKeys(profile: Profile): string[] {
  const plan = stationsOf(profile, 1).flatMap((station) => planRequests(station.profile));
  const of = (id: string) => plan.find(({ fields }) => fields.some((field) => field.id === id));
  const late = profile.fields.filter((field) =>
    keysOf(field).some((key) => of(key) !== of(field.id) && of(key)?.class !== "once"),
  );
  if (late.length === 0) return [];
  return [`${counted(late.length, "value")} not ready until another request has been answered`];
}

const counted = (count: number, noun: string) => `${count} ${count === 1 ? noun : `${noun}s`}`;
