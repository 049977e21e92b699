import { z } from "zod";

/** How well the alarm system itself does, by the definitions of ISA-18.2 and EEMUA 191. */
const epochMs = z.number().int();

/** A figure beside what it should be; `value` null when there is nothing to count. */
export const figureSchema = z.object({
  value: z.number().nullable(),
  target: z.number(),
  /** Whether more than the target is bad, or less. */
  bad: z.enum(["above", "below"]),
  unit: z.string(),
});
export type Figure = z.infer<typeof figureSchema>;

export const alarmHealthSchema = z.object({
  from: epochMs,
  to: epochMs,
  /** Alarms that sounded; not acknowledgements or returns, and not shelved or suppressed ones. */
  raised: z.number().int(),
  perTenMinutes: figureSchema,
  worstTenMinutes: figureSchema,
  worstHour: figureSchema.optional(),
  worstMinute: figureSchema.optional(),
  /** Share of ten-minute windows with more than 10 alarms, in %. */
  windowsAboveTen: figureSchema,
  /** Share of hours with more than 30 alarms, in %. */
  hoursAboveThirty: figureSchema.optional(),
  /** Share of time in flood, in %. A flood starts above 10 in 10 min and ends below 5. */
  timeInFlood: figureSchema,
  floods: z.array(z.object({ from: epochMs, to: epochMs, alarms: z.number().int() })).max(200),
  chattering: z.array(z.object({ alarm: z.string(), title: z.string(), times: z.number().int() })),
  fleeting: z.array(z.object({ alarm: z.string(), title: z.string(), times: z.number().int() })),
  standing: z.array(z.object({ alarm: z.string(), title: z.string(), since: epochMs })),
  topTen: z.array(
    z.object({
      alarm: z.string(),
      title: z.string(),
      times: z.number().int(),
      sharePercent: z.number(),
    }),
  ),
  topTenShare: figureSchema,
  /** Share of each priority 1–4 in %, beside what is aimed at. */
  priorities: z.array(
    z.object({ priority: z.number().int(), count: z.number().int(), share: figureSchema }),
  ),
  /** Seconds from raised to acknowledged, and from raised to cleared. */
  acknowledge: z.object({ p50S: z.number().nullable(), p95S: z.number().nullable() }),
  clear: z.object({ p50S: z.number().nullable(), p95S: z.number().nullable() }),
  operators: z.array(
    z.object({
      name: z.string(),
      acknowledged: z.number().int(),
      p50S: z.number().nullable(),
      p95S: z.number().nullable(),
    }),
  ),
  shelved: z.array(
    z.object({ alarm: z.string(), title: z.string(), by: z.string(), until: epochMs }),
  ),
});
export type AlarmHealth = z.infer<typeof alarmHealthSchema>;

/** What nobody would hear of. */
export const coverageSchema = z.object({
  at: epochMs,
  points: z.number().int(),
  unwatched: z.array(z.object({ point: z.string(), label: z.string() })).max(5_000),
  /** Points that only tell when they fall silent: no rule judges their value. */
  presenceOnly: z
    .array(z.object({ point: z.string(), label: z.string() }))
    .max(5_000)
    .optional(),
  rulesWithoutReceiver: z.array(z.string()).max(1_000),
  rulesMatchingNothing: z.array(z.string()).max(1_000),
  nodesNotWatched: z.array(z.string()).max(500),
  receivers: z
    .array(
      z.object({
        id: z.string(),
        kind: z.string(),
        /** When a message last went through; null when never. */
        provenAt: epochMs.nullable(),
        overdue: z.boolean(),
        failing: z.string().nullable(),
      }),
    )
    .max(200),
});
export type Coverage = z.infer<typeof coverageSchema>;

export const drillStepSchema = z.object({
  receiver: z.string(),
  kind: z.string(),
  state: z.enum(["queued", "accepted", "delivered", "failed", "acknowledged"]),
  why: z.string().nullable(),
  at: epochMs,
  /** Where it stands in ladders, groups and rotas: "duty, step 1". */
  asked: z.array(z.string()).max(100).optional(),
  /** Who acknowledged the test. */
  by: z.string().nullable().optional(),
});
export const drillSchema = z.object({
  id: z.string(),
  startedAt: epochMs,
  doneAt: epochMs.nullable(),
  by: z.string(),
  steps: z.array(drillStepSchema).max(1_000),
});
export type Drill = z.infer<typeof drillSchema>;

/** An alarm that comes again and again, and what is known about it. */
export const problemSchema = z.object({
  id: z.string(),
  /** Rule and subject, or the cause's alarm. */
  alarm: z.string(),
  title: z.string(),
  times: z.number().int(),
  firstAt: epochMs,
  lastAt: epochMs,
  note: z
    .object({ text: z.string(), by: z.string(), at: epochMs, link: z.string().nullable() })
    .nullable(),
  state: z.enum(["open", "known", "solved"]),
});
export type Problem = z.infer<typeof problemSchema>;

export const rehearsalSchema = z.object({
  id: z.string(),
  from: epochMs,
  to: epochMs,
  state: z.enum(["running", "done", "failed"]),
  percent: z.number(),
  /** How fine the history was that it was played over; coarser ones miss short breaches. */
  resolutionMs: z.number(),
  points: z.number().int(),
  before: z.object({ alarms: z.number().int(), pages: z.number().int() }),
  after: z.object({ alarms: z.number().int(), pages: z.number().int() }),
  items: z
    .array(
      z.object({
        alarm: z.string(),
        title: z.string(),
        raisedAt: epochMs,
        clearedAt: epochMs.nullable(),
        found: z.enum(["both", "before-only", "after-only"]),
      }),
    )
    .max(2_000),
  error: z.string().nullable(),
});
export type Rehearsal = z.infer<typeof rehearsalSchema>;
