import { z } from "zod";
import type { AlarmState } from "./alarm/engine.ts";
import type { IncidentView } from "./incident.ts";
import { QUANTITY_IDS } from "./quantity.ts";
import type { SiteModel } from "./site.ts";

/**
 * The HTTP API as both ends see it. Lists are `{items, next}`; errors are RFC 9457 problem details.
 * Schemas are those that reach `/api/v1/openapi.json`.
 */
const epochMs = z.number().int();

export const pointViewSchema = z.object({
  id: z.string(),
  node: z.string(),
  label: z.string(),
  quantity: z.enum(QUANTITY_IDS),
  unit: z.string(),
  /** null when nothing was measured. */
  value: z.number().nullable(),
  /** `never`: the node announced the point but has not sent a reading yet. */
  quality: z.enum(["good", "uncertain", "bad", "never"]),
  reason: z.string().nullable(),
  /** When it was measured; null when `never`. */
  at: epochMs.nullable(),
  /** Age on the hub's clock; null when `never`. */
  ageMs: z.number().nullable(),
  periodMs: z.number(),
  staleAfterMs: z.number(),
  stale: z.boolean(),
  states: z.record(z.string(), z.string()).optional(),
});
export type PointView = z.infer<typeof pointViewSchema>;

export const bucketSchema = z.object({
  /** Start of the bucket. */
  at: epochMs,
  min: z.number(),
  max: z.number(),
  mean: z.number(),
  /** Good values in the bucket. A bucket without any is left out: a hole is a hole. */
  count: z.number().int(),
});
export type Bucket = z.infer<typeof bucketSchema>;
export const historySchema = z.object({
  point: z.string(),
  unit: z.string(),
  from: epochMs,
  to: epochMs,
  stepMs: z.number(),
  items: z.array(bucketSchema),
  next: z.null(),
});
export type History = z.infer<typeof historySchema>;

export const nodeViewSchema = z.object({
  id: z.string(),
  label: z.string(),
  software: z.string(),
  online: z.boolean(),
  since: epochMs,
  lastSeenAt: epochMs,
  backlog: z.number().int(),
  clock: z.enum(["synced", "unsynced", "unknown"]),
  points: z.number().int(),
  stored: z.number().int(),
  refused: z.number().int(),
  quarantined: z.number().int(),
  /** Messages the hub did not take at once; the node sends what was in them again. */
  heldBack: z.number().int(),
  /** By how much its clock is ahead of the hub's; null when it was not heard yet. */
  skewMs: z.number().nullable(),
  /** It offers more points than it may. */
  overQuota: z.boolean(),
  /** Two machines use its id: nothing of either is taken. */
  inConflict: z.boolean(),
  health: z.record(z.string(), z.number()),
});
export type NodeView = z.infer<typeof nodeViewSchema>;

export const ALARM_STATES = ["normal", "active", "acknowledged", "returned", "latched"] as const;
export const alarmViewSchema = z.object({
  id: z.string(),
  rule: z.string(),
  /** The point or node judged. */
  subject: z.string(),
  /** The place as people call it, `A03` or `UPS A`; its id is `placeOf(subject)`. Null for a node. */
  place: z.string().nullable(),
  priority: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
  /** One line for a wall: "A03 inlet 31.8 °C". */
  title: z.string(),
  /** Second line: limit and sensor. */
  detail: z.string(),
  /** What to do, from the rule. */
  runbook: z.string().nullable(),
  state: z.enum(ALARM_STATES),
  occurrence: z.number().int(),
  raisedAt: epochMs.nullable(),
  clearedAt: epochMs.nullable(),
  ack: z.object({ at: epochMs, by: z.string() }).nullable(),
  shelved: z
    .object({
      ...{ until: epochMs, by: z.string(), reason: z.string() },
      /** Ends when the alarm clears, if that is earlier. */
      once: z.literal(true).optional(),
    })
    .nullable(),
  suppressed: z.boolean(),
  outOfService: z.object({ since: epochMs, by: z.string(), reason: z.string() }).nullable(),
  value: z.number().nullable(),
  limit: z.number().nullable(),
  unit: z.string(),
  /** The incident it belongs to, and what it is there; left out where nobody has looked. */
  incident: z.string().nullable().optional(),
  part: z.enum(["cause", "symptom", "alone"]).nullable().optional(),
  /** What is known of it since it came before. */
  note: z
    .object({ text: z.string(), by: z.string(), at: epochMs, link: z.string().nullable() })
    .nullable()
    .optional(),
});
export type AlarmView = z.infer<typeof alarmViewSchema>;

/** The word people read for a base state. */
export function stateName(state: AlarmState): (typeof ALARM_STATES)[number] {
  const { phase } = state;
  if (phase.name === "pending") return "normal";
  if (phase.name === "active") return phase.ack ? "acknowledged" : "active";
  return phase.name;
}

export const doorViewSchema = z.object({
  id: z.string(),
  node: z.string(),
  label: z.string(),
  state: z.enum(["open", "closed", "unknown"]),
  /** When it came into this state; null when nobody saw it move. */
  since: epochMs.nullable(),
  at: epochMs.nullable(),
});
export type DoorView = z.infer<typeof doorViewSchema>;

export const ledgerRecordSchema = z.object({
  seq: z.number().int(),
  type: z.string(),
  at: epochMs,
  receivedAt: epochMs,
  node: z.string().nullable(),
  door: z.string().nullable(),
  label: z.string().nullable(),
  /** The full record as hashed, for readers that need more than the columns. */
  detail: z.record(z.string(), z.unknown()),
  hash: z.string(),
});
export type LedgerRecord = z.infer<typeof ledgerRecordSchema>;

/** `superseded`: not sent any more, because somebody acknowledged first. */
export const NOTIFICATION_STATES = [
  "queued",
  "accepted",
  "delivered",
  "failed",
  "acknowledged",
  "superseded",
] as const;
export const notificationSchema = z.object({
  id: z.number().int(),
  alarm: z.string(),
  occurrence: z.number().int(),
  change: z.string(),
  receiver: z.string(),
  channel: z.enum(["webhook", "email", "sms", "snmp", "syslog", "relay"]),
  state: z.enum(NOTIFICATION_STATES),
  attempts: z.number().int(),
  createdAt: epochMs,
  doneAt: epochMs.nullable(),
  error: z.string().nullable(),
  /** Which page about this occurrence it is, counting from 0; only pages have one. */
  step: z.number().int().optional(),
  /** Who acknowledged the alarm after this had been sent. */
  acknowledged: z.object({ at: epochMs, by: z.string() }).optional(),
});
export type NotificationView = z.infer<typeof notificationSchema>;

export const healthSchema = z.object({
  status: z.enum(["ok", "degraded"]),
  version: z.string(),
  at: epochMs,
  uptimeMs: z.number(),
  store: z.object({
    kind: z.string(),
    ok: z.boolean(),
    lagMs: z.number(),
    error: z.string().nullable(),
  }),
  nodes: z.object({ online: z.number().int(), total: z.number().int() }),
  points: z.object({ fresh: z.number().int(), total: z.number().int() }),
  quarantined: z.number().int(),
  refused: z.number().int(),
  notifications: z.object({ queued: z.number().int(), failed: z.number().int() }),
  /** The reading the hub sends itself every 30 s; `ok` is null until the first has arrived or not. */
  selfCheck: z.object({
    ok: z.boolean().nullable(),
    at: epochMs.nullable(),
    /** Where it was lost. */
    stage: z.string().nullable(),
    why: z.string().nullable(),
    tookMs: z.number().nullable(),
  }),
  /** Who outside is told that the hub is well. */
  heartbeats: z.array(
    z.object({
      host: z.string(),
      everyMs: z.number(),
      acceptedAt: epochMs.nullable(),
      error: z.string().nullable(),
      overdue: z.boolean(),
    }),
  ),
});
export type Health = z.infer<typeof healthSchema>;

/** Server-sent events of `/api/v1/stream`. `snap` replaces everything the page holds. */
export interface Snapshot {
  site: SiteModel;
  points: PointView[];
  nodes: NodeView[];
  alarms: AlarmView[];
  /** What is open, over, or was closed within a day. */
  incidents?: IncidentView[];
  doors: DoorView[];
  health: Health;
}
/** `[value | null, at | null, quality, reason | null]` per point id: what changed since the last one. */
export type PointDelta = Record<
  string,
  [number | null, number | null, PointView["quality"], string | null]
>;
export type StreamEvents = {
  hello: { version: string; build: string; at: number };
  snap: Snapshot;
  points: PointDelta;
  /** The whole list: alarms are few, and a list cannot drift. */
  alarms: AlarmView[];
  /** The whole list, too; also every five seconds while a race runs. */
  incidents: IncidentView[];
  doors: DoorView[];
  nodes: NodeView[];
  hb: Health;
};

/** RFC 9457. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
}
