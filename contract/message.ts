import { z } from "zod";
import { CHANGES } from "./alarm/engine.ts";
import { idSchema } from "./id-schema.ts";
import { QUANTITY_IDS } from "./quantity.ts";

const text = z.string().max(120);
const epochMs = z.number().int().min(0).max(8.64e15);
const sequence = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);

const priority = z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]);

/** An alarm that the profile of a device proposes for a point of it: a default, for which a site's own rule stands in. */
export const proposedAlarmSchema = z.object({
  /** Unique among the alarms of its device. */
  id: idSchema,
  above: z.number().optional(),
  below: z.number().optional(),
  deadband: z.number().min(0).optional(),
  equals: z.number().optional(),
  onDelayMs: z.number().int().min(0).max(86_400_000),
  priority,
  title: text.optional(),
});
export type ProposedAlarm = z.infer<typeof proposedAlarmSchema>;

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
  /** What the node adds to the sensor's own value: found against a reference, said so that auditors see it. */
  offset: z.number().optional(),
  /** For quantity `state`: code → word. */
  states: z.record(z.string().regex(/^-?\d{1,6}$/), text).optional(),
  /** The bus it is read through. */
  bus: idSchema.optional(),
  alarms: z.array(proposedAlarmSchema).max(4).optional(),
});
export type PointInfo = z.infer<typeof pointInfoSchema>;

/** A door as its node announces it. Its contact is also the point `<door>.open` (1 = open). */
export const doorInfoSchema = z.object({ id: idSchema, label: text });
export type DoorInfo = z.infer<typeof doorInfoSchema>;

/** A rule that a node judges itself, as it announces it. */
export const localRuleInfoSchema = z.object({
  id: idSchema,
  priority,
  title: text.optional(),
  /** Patterns of the points it judges. */
  points: z.array(z.string().max(64)).max(100),
});
export type LocalRuleInfo = z.infer<typeof localRuleInfoSchema>;

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
  /** Rules marked `local: true`, which the node goes on judging when the hub is gone. */
  rules: z.array(localRuleInfoSchema).max(100).optional(),
});
export type Birth = z.infer<typeof birthSchema>;

/** So many causes of the hub keep one output on; above it the oldest goes. */
export const MAX_SIGNAL_CAUSES = 50;

/** A local alarm that stands now, so that a hub which comes back knows before the backlog has drained. */
export const standingAlarmSchema = z.object({
  rule: idSchema,
  subject: idSchema,
  occurrence: sequence,
  priority,
  raisedAt: epochMs,
  acknowledged: z.boolean(),
});
export type StandingAlarm = z.infer<typeof standingAlarmSchema>;

/** Retained on `status`, and the node's will. `session` counts connections and never goes back. */
export const statusSchema = z.object({
  v: z.literal(1),
  state: z.enum(["online", "offline"]),
  session: sequence,
  at: epochMs,
  /** Spool rows waiting for the hub's acknowledgement. */
  backlog: sequence.optional(),
  clock: z.enum(["synced", "unsynced"]).optional(),
  /** False while the node's disk fails and its rows are kept in memory only. */
  durable: z.boolean().optional(),
  /** Local alarms that stand; beyond the bound the least urgent are left out. */
  alarms: z.array(standingAlarmSchema).max(200).optional(),
  /** Plain numbers about the node itself: bus errors, free disk bytes, event-loop lag, … */
  health: z.record(idSchema, z.number()).optional(),
  /** Every output with the causes for which the hub wants it on. */
  signals: z.record(idSchema, z.array(idSchema).max(MAX_SIGNAL_CAUSES)).optional(),
});
export type NodeStatus = z.infer<typeof statusSchema>;

/**
 * Whether the clock was right when an event was stamped. `corrected`: it was not, but was set later in the
 * same boot, and `at` has been put right before sending; `takenAt` is what the wrong clock showed.
 */
const stampClock = z.enum(["synced", "unsynced", "corrected"]);

/** A door opened or closed. `source` counts the door's own events, so that a gap shows. */
export const doorEventSchema = z.object({
  type: z.literal("door"),
  door: idSchema,
  what: z.enum(["opened", "closed", "chatter", "fault"]),
  at: epochMs,
  source: sequence,
  clock: stampClock,
  takenAt: epochMs.optional(),
});
export type DoorEvent = z.infer<typeof doorEventSchema>;

/** Something happened to the node itself. A `gap` says what readings are missing, and why. */
export const nodeEventSchema = z.object({
  type: z.literal("node"),
  what: z.enum([
    "started",
    "gap",
    "spool-corrupt",
    "spool-newer",
    "not-durable",
    "clock-step",
    "config-rejected",
    "disk-low",
  ]),
  at: epochMs,
  detail: z.string().max(500),
  point: idSchema.optional(),
  from: epochMs.optional(),
  to: epochMs.optional(),
  count: sequence.optional(),
});
export type NodeEvent = z.infer<typeof nodeEventSchema>;

/**
 * A local alarm changed on its node. With the spool's epoch, rule, subject and occurrence name one event,
 * which the hub merges into its own alarm `<rule>.<subject>`.
 */
export const alarmEventSchema = z.object({
  type: z.literal("alarm"),
  rule: idSchema,
  /** The point judged. */
  subject: idSchema,
  /** The node's count of this alarm's occurrences. */
  occurrence: sequence,
  what: z.enum(CHANGES),
  at: epochMs,
  priority,
  /** What the point said; null when it said nothing. */
  value: z.number().nullable(),
  /** Who ordered it; nobody when the node itself found it. */
  by: text.optional(),
  clock: stampClock,
  takenAt: epochMs.optional(),
});
export type AlarmEvent = z.infer<typeof alarmEventSchema>;

export const eventSchema = z.discriminatedUnion("type", [
  doorEventSchema,
  nodeEventSchema,
  alarmEventSchema,
]);
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

/** An operator's order to one alarm, as `contract/alarm/engine.ts` carries it out. */
export const orderSchema = z.discriminatedUnion("do", [
  z.object({ do: z.literal("acknowledge"), by: text }),
  z.object({ do: z.literal("reset"), by: text }),
  z.object({
    ...{ do: z.literal("shelve"), by: text, reason: text, until: epochMs },
    once: z.literal(true).optional(),
  }),
  z.object({ do: z.literal("unshelve"), by: text }),
  z.object({ do: z.literal("suppress"), by: text }),
  z.object({ do: z.literal("unsuppress"), by: text }),
  z.object({ do: z.literal("out-of-service"), by: text, reason: text }),
  z.object({ do: z.literal("in-service"), by: text }),
]);

export const commandSchema = z.discriminatedUnion("cmd", [
  z.object({ cmd: z.literal("replay") }),
  /** Answer to a `renew` message: the node's next certificate, and by what it recognises the hub; both PEM. */
  z.object({
    cmd: z.literal("certificate"),
    certificate: z.string().max(8_192),
    trust: z.string().max(32_768),
  }),
  z.object({ cmd: z.literal("identify"), seconds: z.number().min(1).max(600) }),
  /** What was ordered at the hub holds for the node's own copy of the alarm, and its buzzer, too. */
  z.object({ cmd: z.literal("alarm"), rule: idSchema, subject: idSchema, order: orderSchema }),
  /** Wants an output on for a cause, or no longer; the status lists what is wanted. */
  z.object({ cmd: z.literal("signal"), output: idSchema, cause: idSchema, on: z.boolean() }),
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
