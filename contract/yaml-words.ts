import { z } from "zod";

/**
 * How the schemas of edge.yaml and site.yaml word a mistake: every message completes the sentence
 * "<what was found> …": first what is wrong, then what is allowed.
 */
export function says(allowed: string) {
  return {
    error: (issue: { input?: unknown }) =>
      issue.input === undefined ? `is missing; ${allowed}` : `is not allowed; ${allowed}`,
  };
}

/** A block whose unknown keys are reported with the names it does have, separated by blanks. */
export function block<T extends z.ZodRawShape>(what: string, shape: T) {
  const names = Object.keys(shape);
  const wrong = says(`${what} is a block with ${names.join(", ")}`).error;
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? names.join(" ") : wrong(issue)),
  });
}

const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const DURATION = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)$/;

function toMs(text: string): number {
  const [, count, unit] = DURATION.exec(text) ?? [];
  return Math.round(Number(count) * UNITS_MS[unit as keyof typeof UNITS_MS]);
}

/** A duration with its unit, such as `500ms` or `1.5m`, in milliseconds once parsed. */
export function duration(least: string, most: string) {
  const help = says(`write a number and a unit, from ${least} to ${most}, such as 500ms, 2s or 5m`);
  return z
    .string(help)
    .regex(DURATION, help)
    .refine((text) => {
      const ms = toMs(text);
      return Number.isNaN(ms) || (ms >= toMs(least) && ms <= toMs(most));
    }, help)
    .transform(toMs);
}
