import { z } from "@hono/zod-openapi";
import {
  alarmViewSchema,
  doorViewSchema,
  healthSchema,
  historySchema,
  ledgerRecordSchema,
  nodeViewSchema,
  notificationSchema,
  pointViewSchema,
} from "../../contract/api.ts";
import { idSchema } from "../../contract/id-schema.ts";

/**
 * The contract's shapes under the names they have in the API description. Rebuilt from their parts,
 * because `.openapi` is only on schemas made after this package was loaded.
 */
export const Point = z.object(pointViewSchema.shape).openapi("Point");
export const History = z.object(historySchema.shape).openapi("History");
export const Node = z.object(nodeViewSchema.shape).openapi("Node");
export const Alarm = z.object(alarmViewSchema.shape).openapi("Alarm");
export const Door = z.object(doorViewSchema.shape).openapi("Door");
export const LedgerEntry = z.object(ledgerRecordSchema.shape).openapi("LedgerEntry");
export const Notification = z.object(notificationSchema.shape).openapi("Notification");
export const HealthReport = z.object(healthSchema.shape).openapi("Health");
const Problem = z
  .object({ type: z.string(), title: z.string(), status: z.number().int(), detail: z.string() })
  .openapi("Problem");

export const idParam = z.strictObject({ id: idSchema });

export function listOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: z.null() });
}

/** The answers every route may give besides 200. */
const PROBLEMS = Object.fromEntries(
  Object.entries({
    400: "Not understood",
    401: "Nobody is signed in",
    403: "Not allowed for this role, or asked by another site's page",
    404: "No such thing",
    409: "Not in the state it is in",
    429: "Too many wrong tokens",
    503: "Not possible at the moment",
  }).map(([status, description]) => [
    status,
    { description, content: { "application/problem+json": { schema: Problem } } },
  ]),
);

/** The `responses` of a route that answers 200 with this JSON, or with a problem. */
export function answers<T extends z.ZodType>(description: string, schema: T) {
  const ok = { description, content: { "application/json": { schema } } };
  return { ...PROBLEMS, 200: ok } as { 200: typeof ok };
}

export function jsonBody<T extends z.ZodType>(schema: T) {
  return { content: { "application/json": { schema } }, required: true as const };
}

export const wholeParam = z
  .string()
  .regex(/^\d{1,15}$/, "a whole number")
  .transform(Number);

/** Entries on one page. */
export const limitParam = wholeParam.pipe(z.number().min(1).max(1_000));

/** Milliseconds since 1970, or an ISO 8601 time with its zone. */
export const timeParam = z
  .string()
  .max(40)
  .transform((text, context) => {
    const ms = /^\d{1,16}$/.test(text) ? Number(text) : isoMs(text);
    if (Number.isSafeInteger(ms) && ms >= 0 && ms <= 8.64e15) return ms;
    context.addIssue({
      code: "custom",
      message: `"${text}" is no time: allowed are milliseconds since 1970 and 2026-01-31T12:00:00Z`,
    });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "2026-01-31T12:00:00Z" });

function isoMs(text: string): number {
  return /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(text)
    ? Date.parse(text)
    : Number.NaN;
}

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds, or a number with a unit: `30s`, `5m`, `1h`, `1d`. */
export const durationParam = z
  .string()
  .max(20)
  .transform((text, context) => {
    const [, number, unit = "ms"] = /^(\d{1,13})(ms|s|m|h|d)?$/.exec(text) ?? [];
    const ms = Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS];
    if (Number.isSafeInteger(ms) && ms > 0) return ms;
    context.addIssue({
      code: "custom",
      message: `"${text}" is no duration: allowed are for instance 30s, 5m, 1h, 1d`,
    });
    return z.NEVER;
  })
  .openapi({ type: "string", example: "5m" });
