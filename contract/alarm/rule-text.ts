import { z } from "zod";
import { block, duration, says } from "../yaml-words.ts";
import type { Condition } from "./rule.ts";

const number = (what: string) => z.number(says(`${what} is a number`));
const ruleId = says("a rule id is 1–32 characters of a–z 0–9 _ - without dots");
const pattern = says("a pattern is a name in which * stands for any characters");
const codes = says("equals is a number, or a list of up to 20 numbers");
const oneLine = (what: string, most: number) => {
  const help = says(`${what} is one line of 1–${most} characters`);
  return z
    .string(help)
    .min(1, help)
    .max(most, help)
    .regex(/^\P{Cc}*$/u, help);
};
const delay = duration("0ms", "24h");

export const patternsSchema = z
  .array(z.string(pattern).regex(/^[a-z0-9*][a-z0-9_.*-]{0,63}$/, pattern), pattern)
  .min(1, pattern)
  .max(100, pattern);

/** A rule as people write it, the same in site.yaml and edge.yaml, so that one block can stand in both. */
export const RULE_SHAPE = {
  id: z.string(ruleId).regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, ruleId),
  points: patternsSchema.optional(),
  above: number("above").optional(),
  below: number("below").optional(),
  deadband: number("deadband").min(0, says("deadband is not below 0")).optional(),
  equals: z.union([z.number(), z.array(z.number()).min(1).max(20)], codes).optional(),
  swing: block("swing", {
    above: number("above").min(0, says("above is not below 0")),
    window: duration("1m", "24h"),
  }).optional(),
  frozen: z.literal(true, says("frozen is true, or left out")).optional(),
  stale: z.literal(true, says("stale is true, or left out")).optional(),
  onDelay: delay.default(0),
  offDelay: delay.default(0),
  reAlarm: duration("1s", "24h").optional(),
  latch: z.boolean(says("latch is true or false")).default(false),
  priority: z.literal([1, 2, 3, 4], says("a priority is 1 (act now), 2, 3 or 4 (note)")),
  title: oneLine("a title", 120).optional(),
  runbook: z
    .string(says("a runbook is a text of 1–1000 characters"))
    .min(1, says("a runbook is a text of 1–1000 characters"))
    .max(1_000, says("a runbook is a text of 1–1000 characters"))
    .optional(),
  /** The node that holds the same rule judges it too, also while the hub is away. */
  local: z.literal(true, says("local is true, or left out")).optional(),
} as const;

/** What a rule says about its condition; `silent` only where a node can be judged. */
export type ConditionText = Partial<
  Pick<
    z.output<z.ZodObject<typeof RULE_SHAPE>>,
    "above" | "below" | "deadband" | "equals" | "swing" | "frozen" | "stale"
  >
> & { silent?: true | undefined };

/** What is wrong with a rule as a whole; `key` null when it is no single key's fault. */
export type RuleProblem = [key: string | null, text: string];

const KINDS = "above and/or below, or equals, or swing, or frozen: true, or stale: true";

/** The one condition a rule says, or everything that does not fit together in it. */
export function conditionOf(
  text: ConditionText,
  alsoAllowed = "",
): { condition: Condition } | { problems: RuleProblem[] } {
  const problems = limitProblems(text);
  const conditions = conditionsOf(text);
  const [condition] = conditions;
  const kinds = `allowed: ${KINDS}${alsoAllowed}`;
  if (!condition) problems.unshift([null, `says no condition; ${kinds}`]);
  else if (conditions.length > 1)
    problems.unshift([null, `says ${conditions.length} kinds of condition at once; ${kinds}`]);
  return condition && problems.length === 0 ? { condition } : { problems };
}

function conditionsOf(text: ConditionText): Condition[] {
  const { above, below, deadband = 0, equals, swing, frozen, stale, silent } = text;
  const conditions: Condition[] = [];
  if (above !== undefined || below !== undefined)
    conditions.push({
      kind: "limit",
      ...(above === undefined ? {} : { above }),
      ...(below === undefined ? {} : { below }),
      deadband,
    });
  if (equals !== undefined) conditions.push({ kind: "digital", equals });
  if (swing) conditions.push({ kind: "swing", above: swing.above, windowMs: swing.window });
  if (frozen) conditions.push({ kind: "frozen" });
  if (stale) conditions.push({ kind: "stale" });
  if (silent) conditions.push({ kind: "silent" });
  return conditions;
}

function limitProblems({ above, below, deadband }: ConditionText): RuleProblem[] {
  if (above === undefined && below === undefined)
    return deadband === undefined ? [] : [["deadband", "only belongs to above and below"]];
  if (above === undefined || below === undefined) return [];
  if (above <= below)
    return [["above", `${above} is not higher than below (${below}), so every value would alarm`]];
  const band = deadband ?? 0;
  if (above - band < below + band)
    return [
      ["deadband", `${band} leaves nothing between ${below} and ${above} where it could clear`],
    ];
  return [];
}
