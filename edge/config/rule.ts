import { z } from "zod";
import type { Condition } from "../../contract/alarm/rule.ts";
import type { LocalRule } from "../local/local-rule.ts";
import { block, duration, says, text } from "./schema.ts";

const number = (what: string) => z.number(says(`${what} is a number`));
const ruleId = says("a rule id is 1–32 characters of a–z 0–9 _ - without dots");
const pattern = says("a pattern is a point's name in which * stands for any characters");
const delay = duration("0ms", "24h");
const HUB_ONLY = "runs on the hub; write it in site.yaml";

/** The text of a rule as in site.yaml, so that one block can stand in both files. */
export const ruleSchema = block("a rule", {
  id: z.string(ruleId).regex(/^[a-z0-9][a-z0-9_-]{0,31}$/, ruleId),
  local: z.literal(
    true,
    says("a rule in edge.yaml runs on the node: write local: true, or move it to site.yaml"),
  ),
  points: z
    .array(z.string(pattern).regex(/^[a-z0-9*][a-z0-9_.*-]{0,63}$/, pattern), pattern)
    .min(1, pattern)
    .max(100, pattern),
  above: number("above").optional(),
  below: number("below").optional(),
  deadband: number("deadband").min(0, says("deadband is not below 0")).optional(),
  equals: number("equals").optional(),
  stale: z.literal(true, says("stale is true, or left out")).optional(),
  onDelay: delay.default(0),
  offDelay: delay.default(0),
  reAlarm: delay.optional(),
  latch: z.boolean(says("latch is true or false")).default(false),
  priority: z.literal([1, 2, 3, 4], says("a priority is 1 (act now), 2, 3 or 4 (note)")),
  title: text("a title").optional(),
  /** For the hub only; allowed so that the text is the same. */
  runbook: z.string(says("a runbook is a text")).optional(),
  receivers: z.array(z.string(), says("receivers are a list of names")).optional(),
});
export type RuleText = z.output<typeof ruleSchema>;

export type RuleProblem = [key: string | null, message: string];

const KINDS = "allowed: above and/or below, or equals, or stale: true";

/** Keys of site.yaml's rules that mean nothing here, and why. */
export const HUB_KEYS: Readonly<Record<string, string>> = {
  silent: `a silent node cannot say so itself; this rule ${HUB_ONLY}`,
  nodes: `a rule about nodes ${HUB_ONLY}`,
};

/** Makes a rule of what was written, or says everything that does not fit together in it. */
export function toLocalRule(rule: RuleText): { rule: LocalRule } | { problems: RuleProblem[] } {
  const problems = limitProblems(rule);
  const conditions = conditionsOf(rule);
  const [condition] = conditions;
  if (!condition) problems.unshift([null, `says no condition; ${KINDS}`]);
  else if (conditions.length > 1)
    problems.unshift([null, `says ${conditions.length} kinds of condition at once; ${KINDS}`]);
  if (!condition || problems.length > 0) return { problems };
  const { id, priority, points, title, onDelay, offDelay, reAlarm, latch } = rule;
  return {
    rule: {
      ...{ id, priority, condition, latch, points },
      onDelayMs: onDelay,
      offDelayMs: offDelay,
      ...(reAlarm === undefined ? {} : { reAlarmMs: reAlarm }),
      ...(title === undefined ? {} : { title }),
    },
  };
}

function conditionsOf({ above, below, deadband = 0, equals, stale }: RuleText): Condition[] {
  const conditions: Condition[] = [];
  if (above !== undefined || below !== undefined)
    conditions.push({
      kind: "limit",
      ...(above === undefined ? {} : { above }),
      ...(below === undefined ? {} : { below }),
      deadband,
    });
  if (equals !== undefined) conditions.push({ kind: "digital", equals });
  if (stale) conditions.push({ kind: "stale" });
  return conditions;
}

function limitProblems({ above, below, deadband }: RuleText): RuleProblem[] {
  if (above === undefined && below === undefined)
    return deadband === undefined ? [] : [["deadband", "only belongs to above and below"]];
  if (above === undefined || below === undefined) return [];
  if (above <= below)
    return [["above", `is not higher than below (${below}), so every value would alarm`]];
  const band = deadband ?? 0;
  if (above - band < below + band)
    return [["deadband", `leaves nothing between ${below} and ${above} where it could clear`]];
  return [];
}
