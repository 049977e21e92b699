import { z } from "zod";
import { idSchema } from "./id.ts";
import { QUANTITY_IDS } from "./quantity.ts";

const text = z.string().max(120);
const epochMs = z.number().int().min(0).max(8.64e15);
const sequence = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

/** A point as its node announces it. */
export const pointInfoSchema = z.object({
  id: idSchema,
  quantity: z.enum(QUANTITY_IDS),
  label: text,
  /** How often the node reads it. */
  periodMs: z.number().int().min(100).max(86_400_000),
  /** Plausible range; a value outside is uncertain. */
  min: z.number().optional(),
  max: z.number().optional(),
  /** For quantity `state`: code → word. */
  states: z.record(z.string().regex(/^-?\d{1,6}$/), text).optional(),
});
export type PointInfo = z.infer<typeof pointInfoSchema>;

/** A door as its node announces it. Its contact is also the point `<door>.open` (1 = open). */
export const doorInfoSchema = z.object({ id: idSchema, label: text });
export type DoorInfo = z.infer<typeof doorInfoSchema>;

/** Retained on `birth`: who the node is and what it offers. */
export const birthSchema = z.object({
  v: z.literal(1),
  node: idSchema,
  label: text,
  software: text,
  bootId: z.string().max(64),
  /** Names the spool; a new or reset spool has a new epoch, so sequences never mix. */
  epoch: z.string().max(64),
  at: epochMs,
  points: z.array(pointInfoSchema).max(5_000),
  doors: z.array(doorInfoSchema).max(200),
});
export type Birth = z.infer<typeof birthSchema>;

/** Retained on `status`, and the node's will. `session` counts connections and never goes back. */
export const statusSchema = z.object({
  v: z.literal(1),
  state: z.enum(["online", "offline"]),
  session: sequence,
  at: epochMs,
  /** Spool rows waiting for the hub's acknowledgement. */
  backlog: sequence.optional(),
  clock: z.enum(["synced", "unsynced"]).optional(),
  /** Plain numbers about the node itself: bus errors, free disk bytes, event-loop lag, … */
  health: z.record(idSchema, z.number()).optional(),
});
export type NodeStatus = z.infer<typeof statusSchema>;

/** A door opened or closed. `source` counts the door's own events, so that a gap shows. */
export const doorEventSchema = z.object({
  type: z.literal("door"),
  door: idSchema,
  what: z.enum(["opened", "closed", "chatter", "fault"]),
  at: epochMs,
  source: sequence,
  clock: z.enum(["synced", "unsynced"]),
});
export type DoorEvent = z.infer<typeof doorEventSchema>;

/** Something happened to the node itself. A `gap` says what readings are missing, and why. */
export const nodeEventSchema = z.object({
  type: z.literal("node"),
  what: z.enum(["started", "gap", "spool-corrupt", "clock-step", "config-rejected", "disk-low"]),
  at: epochMs,
  detail: z.string().max(500),
  point: idSchema.optional(),
  from: epochMs.optional(),
  to: epochMs.optional(),
  count: sequence.optional(),
});
export type NodeEvent = z.infer<typeof nodeEventSchema>;

export const eventSchema = z.discriminatedUnion("type", [doorEventSchema, nodeEventSchema]);
export type SpoolEvent = z.infer<typeof eventSchema>;

/** The most rows one `data` or `live` message may carry. */
export const MAX_ROWS = 1_000;
/** The largest MQTT payload either side sends or accepts, in bytes. */
export const MAX_PAYLOAD_BYTES = 256 * 1024;

/** Frame of a `data` message; each row is checked by `parseRow`, so that one bad row spoils only itself. */
export const dataSchema = z.object({
  epoch: z.string().min(1).max(64),
  /** Lowest sequence the node still holds. Everything below is stored or declared lost. */
  floor: sequence,
  /** Sequence of the first row; each row has the next number. */
  first: sequence,
  rows: z.array(z.unknown()).min(1).max(MAX_ROWS),
});
export type DataMessage = z.infer<typeof dataSchema>;

/** Frame of a `live` message: newest values only. */
export const liveSchema = z.object({
  at: epochMs,
  rows: z.array(z.unknown()).max(MAX_ROWS),
});
export type LiveMessage = z.infer<typeof liveSchema>;

/** The hub has durably stored every row up to and including `upto`. */
export const ackSchema = z.object({ epoch: z.string().min(1).max(64), upto: sequence });
export type Ack = z.infer<typeof ackSchema>;

export const commandSchema = z.discriminatedUnion("cmd", [
  z.object({ cmd: z.literal("replay") }),
  z.object({ cmd: z.literal("identify"), seconds: z.number().min(1).max(600) }),
]);
export type Command = z.infer<typeof commandSchema>;

/** Retained on `plenum/v1/hub/status`, and the hub's will. */
export const hubStatusSchema = z.object({
  v: z.literal(1),
  state: z.enum(["online", "offline"]),
  software: text,
  at: epochMs,
});
export type HubStatus = z.infer<typeof hubStatusSchema>;
