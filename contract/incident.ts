import { z } from "zod";

/**
 * An incident is what people deal with: one cause and the alarms that follow from it. Every alarm that sounds
 * belongs to exactly one; most incidents are of one alarm.
 */
const epochMs = z.number().int();
const priority = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

export const INCIDENT_STATES = ["open", "over", "closed"] as const;

export const incidentMemberSchema = z.object({
  alarm: z.string(),
  occurrence: z.number().int(),
  /** `cause` speaks for the incident; `symptom` follows from it. */
  part: z.enum(["cause", "symptom"]),
  title: z.string(),
  place: z.string().nullable(),
  priority,
  /** False once its condition has cleared. */
  active: z.boolean(),
  acknowledged: z.boolean(),
  joinedAt: epochMs,
  /** Put there, or taken out, by a person. */
  byHand: z.boolean(),
});
export type IncidentMember = z.infer<typeof incidentMemberSchema>;

/** What happened, in words a manager can read; `text` holds no times, `at` does. */
export const timelineEntrySchema = z.object({
  at: epochMs,
  kind: z.enum([
    "raised",
    "joined",
    "cleared",
    "acknowledged",
    "told",
    "escalated",
    "not-told",
    "note",
    "merged",
    "split",
    "shelved",
    "over",
    "closed",
  ]),
  text: z.string(),
  alarm: z.string().nullable(),
  by: z.string().nullable(),
});
export type TimelineEntry = z.infer<typeof timelineEntrySchema>;

/** Minutes from `at` until a rack's inlet reaches its limit, were nothing done. */
export const raceRackSchema = z.object({
  rack: z.string(),
  label: z.string(),
  inletC: z.number().nullable(),
  limitC: z.number(),
  /** Null when it is not rising, or cannot be known; `why` then says which. */
  minutes: z.number().nullable(),
  earliestMinutes: z.number().nullable(),
  latestMinutes: z.number().nullable(),
  why: z.string().nullable(),
});
export const raceUpsSchema = z.object({
  ups: z.string(),
  label: z.string(),
  /** Null when the UPS does not say, or has not been heard lately. */
  minutes: z.number().nullable(),
});
export const raceSchema = z.object({
  at: epochMs,
  racks: z.array(raceRackSchema).max(500),
  ups: z.array(raceUpsSchema).max(50),
  /** What comes first; null while nothing is known to come. */
  first: z
    .object({ kind: z.enum(["heat", "power"]), label: z.string(), minutes: z.number() })
    .nullable(),
});
export type Race = z.infer<typeof raceSchema>;
export type RaceRack = z.infer<typeof raceRackSchema>;

export const incidentViewSchema = z.object({
  id: z.string(),
  /** "Utility A lost": the lead alarm's words. */
  title: z.string(),
  state: z.enum(INCIDENT_STATES),
  /** The most urgent of its active members; of all of them once it is over. */
  priority,
  /** The alarm that speaks for it. */
  lead: z.string(),
  /** Members besides the lead. */
  symptoms: z.number().int(),
  activeAlarms: z.number().int(),
  /** Places that show symptoms, as people call them. */
  places: z.array(z.string()).max(500),
  openedAt: epochMs,
  overAt: epochMs.nullable(),
  closedAt: epochMs.nullable(),
  ack: z.object({ at: epochMs, by: z.string() }).nullable(),
  race: raceSchema.nullable(),
});
export type IncidentView = z.infer<typeof incidentViewSchema>;

export const incidentDetailSchema = incidentViewSchema.extend({
  runbook: z.string().nullable(),
  members: z.array(incidentMemberSchema).max(1_000),
  /** What else hangs on the cause, whether or not it shows anything yet. */
  feeds: z.array(z.object({ id: z.string(), label: z.string(), kind: z.string() })).max(500),
  timeline: z.array(timelineEntrySchema).max(2_000),
});
export type IncidentDetail = z.infer<typeof incidentDetailSchema>;
export type IncidentState = (typeof INCIDENT_STATES)[number];
