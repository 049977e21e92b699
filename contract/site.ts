import { z } from "zod";
import { idSchema } from "./id-schema.ts";

const label = z.string().min(1).max(60);
const metres = z.number().min(-1_000).max(1_000);

/** Positions are in metres from the room's upper left corner, as on the floor plan. */
const at = z.object({ x: metres, y: metres });

export const rackSchema = z.strictObject({
  id: idSchema,
  label,
  at,
  budgetW: z.number().positive().optional(),
  /** The power units its supplies hang on, for instance `[pdu-a1, pdu-b1]`. */
  feeds: z.array(idSchema).max(8).optional(),
});
export const rowSchema = z.strictObject({
  id: idSchema,
  label,
  racks: z.array(rackSchema).max(60),
});
export const aisleSchema = z.strictObject({
  kind: z.enum(["hot", "cold"]),
  label,
  /** Points shown in the aisle, for instance its differential pressure. */
  points: z.array(idSchema).max(4).default([]),
  at,
  widthM: z.number().positive(),
});
export const coolingUnitSchema = z.strictObject({
  id: idSchema,
  label,
  at,
  /** The power units that can run it. */
  fedBy: z.array(idSchema).max(4).optional(),
  /** Rows or racks of its room that get its air; without it, all of them. */
  serves: z.array(idSchema).min(1).max(200).optional(),
});
/** `Mo-Fr 07:00-18:00`, one day or a span of days; past midnight when the end is the earlier. */
const HOURS =
  /^(Mo|Tu|We|Th|Fr|Sa|Su)(-(Mo|Tu|We|Th|Fr|Sa|Su))? ([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/;
export const sitedDoorSchema = z.strictObject({
  id: idSchema,
  label,
  at,
  /** When it may stand open without anybody being told. */
  hours: z
    .array(z.string().regex(HOURS, 'allowed: hours such as "Mo-Fr 07:00-18:00"'))
    .min(1)
    .max(14)
    .optional(),
});
export const roomSchema = z.strictObject({
  id: idSchema,
  label,
  widthM: z.number().positive().max(500),
  depthM: z.number().positive().max(500),
  rows: z.array(rowSchema).max(60),
  aisles: z.array(aisleSchema).max(60).default([]),
  cooling: z.array(coolingUnitSchema).max(60).default([]),
  /** How many cooling units must run to hold the room; without it, all but one. */
  coolingNeeded: z.int().min(1).max(60).optional(),
  doors: z.array(sitedDoorSchema).max(60).default([]),
  /** Points named on the room's title line: a room temperature, a leak rope. */
  points: z.array(idSchema).max(6).default([]),
});

/** The power chain as the one-line diagram draws it. `fedBy` points towards the utility. */
export const powerUnitSchema = z.strictObject({
  id: idSchema,
  label,
  kind: z.enum(["utility", "generator", "transfer", "ups", "pdu"]),
  feed: z.enum(["A", "B"]).optional(),
  fedBy: z.array(idSchema).max(4).default([]),
  /** Its breaker, in A per phase. */
  ratingA: z.number().positive().max(10_000).optional(),
  /** What it can deliver, in W. */
  ratingW: z.number().positive().max(1e8).optional(),
});

/** The place as people know it. Points find their place by name: `a03.inlet-top` belongs to rack `a03`. */
export const siteModelSchema = z.strictObject({
  id: idSchema,
  label,
  /** IANA name, for instance `Europe/Helsinki`; all times on screen are in it. */
  timezone: z.string().refine(isTimezone, "is not an IANA time zone such as Europe/Helsinki"),
  rooms: z.array(roomSchema).min(1).max(40),
  power: z.array(powerUnitSchema).max(100).default([]),
  /** Recommended inlet band in °C; the wall colours racks against it. */
  inletBand: z
    .strictObject({ minC: z.number(), maxC: z.number(), lowC: z.number(), highC: z.number() })
    .default({ minC: 18, maxC: 27, lowC: 15, highC: 32 }),
});
export type SiteModel = z.infer<typeof siteModelSchema>;
export type Room = SiteModel["rooms"][number];
export type Rack = Room["rows"][number]["racks"][number];
export type PowerUnit = SiteModel["power"][number];

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat("en", { timeZone: name });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}
