import { z } from "zod";
import { patternsSchema } from "../../contract/alarm/rule-text.ts";
import { idSchema } from "../../contract/id-schema.ts";
import { block, duration, says } from "../../contract/yaml-words.ts";
import { parseDate, parseLocal, parseTime } from "../delivery/local-time.ts";
import { DEFAULT_FLOOD, DEFAULT_PAGING } from "./delivery-config.ts";

/** The keys of site.yaml that say who is told, when and how often. */
export const DELIVERY_SECTIONS = [
  "people",
  "groups",
  "rota",
  "escalations",
  "maintenance",
  "quiet",
  "flood",
  "paging",
] as const;

const MAX_NAMES = 50;
const names = (what: string) => {
  const help = says(`${what} is a list of 1–${MAX_NAMES} names`);
  return z.array(idSchema, help).min(1, help).max(MAX_NAMES, help);
};
const oneLine = (what: string) => {
  const help = says(`${what} is one line of 1–120 characters`);
  return z.string(help).regex(/^\P{Cc}{1,120}$/u, help);
};
const parsed = <T>(parse: (text: string) => T | undefined, allowed: string) => {
  const help = says(allowed);
  return z.string(help).transform((text, context): T => {
    const value = parse(text);
    if (value !== undefined) return value;
    context.addIssue({ code: "custom", message: `is not allowed; ${allowed}`, input: text });
    return z.NEVER;
  });
};
const moment = parsed(parseLocal, 'write date and time such as "2026-11-24 08:00"');
const day = parsed(parseDate, "write a date such as 2026-12-25");
const time = parsed(parseTime, 'write a time such as "22:00"');
const zone = z.string().refine((name) => {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: name }).format(0) !== "";
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}, says("write a time zone such as Europe/Helsinki"));
const priorityHelp = says("a priority is 1 (act now), 2, 3 or 4 (note)");
const priorities = (allowed: [1, 2, 3, 4] | [2, 3, 4]) =>
  z.array(z.literal(allowed as [1, 2, 3, 4], priorityHelp), priorityHelp).max(4);

export const personSchema = block("a person", {
  id: idSchema,
  name: oneLine("a name"),
  reach: names("reach"),
  phones: z
    .array(
      z.string().regex(/^\+\d{6,15}$/, says("write a number with its country, as +358401234567")),
    )
    .max(5)
    .default([]),
});

export const groupSchema = block("a group", { id: idSchema, members: names("members") });

export const rotaSchema = block("a rota", {
  id: idSchema,
  people: names("people"),
  start: moment,
  /** Days. */
  turn: z.int(says("turn is a number of days")).min(1).max(366).default(7),
  timezone: zone.optional(),
  overrides: z
    .array(block("an override", { from: moment, to: moment, who: idSchema }))
    .max(1_000)
    .default([]),
  holidays: z
    .array(block("a holiday", { on: z.array(day).min(1).max(400), who: idSchema }))
    .max(100)
    .default([]),
});

export const escalationSchema = block("an escalation", {
  id: idSchema,
  to: names("to").max(10).optional(),
  steps: z
    .array(block("a step", { after: duration("0s", "24h"), to: names("to") }))
    .min(1)
    .max(10)
    .optional(),
});

export const maintenanceSchema = block("a maintenance window", {
  id: idSchema,
  reason: oneLine("a reason"),
  rules: patternsSchema.optional(),
  subjects: patternsSchema.optional(),
  starts: moment,
  lasts: duration("1m", "744h"),
  /** As in RFC 5545: FREQ=MONTHLY;BYDAY=2TU. */
  repeat: z.string().max(200).optional(),
  except: z.array(day).max(400).default([]),
  timezone: zone.optional(),
});

const DAY_NAMES = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export const quietSchema = block("a quiet class", {
  priorities: priorities([2, 3, 4]).min(1),
  from: time,
  to: time,
  /** Evenings on which it begins; every day when left out. */
  days: z.array(z.enum(DAY_NAMES)).min(1).max(7).optional(),
  timezone: zone.optional(),
});
export const weekdayIndex = (name: (typeof DAY_NAMES)[number]): number => DAY_NAMES.indexOf(name);

export const floodSchema = block("flood", {
  above: z.int().min(2).max(1_000).default(DEFAULT_FLOOD.above),
  below: z.int().min(1).max(1_000).default(DEFAULT_FLOOD.below),
  digestEvery: duration("1m", "1h").default(DEFAULT_FLOOD.digestEveryMs),
});

export const pagingSchema = block("paging", {
  gather: duration("0s", "2m").nullable().default(DEFAULT_PAGING.gatherMs),
  repeat: block("repeat", {
    priorities: priorities([1, 2, 3, 4]).default(DEFAULT_PAGING.repeatPriorities),
    every: duration("1m", "24h").default(DEFAULT_PAGING.repeatEveryMs),
    most: z.int().min(0).max(1_000).default(DEFAULT_PAGING.repeatMost),
  }).optional(),
  unassigned: names("unassigned").optional(),
});
