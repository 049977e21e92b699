import { z } from "zod";
import {
  conditionOf,
  patternsSchema,
  RULE_SHAPE,
  type RuleProblem,
} from "../../contract/alarm/rule-text.ts";
import { block, says } from "../../contract/yaml-words.ts";
import type { LocalRule } from "../local/local-rule.ts";

const HUB_ONLY = "runs on the hub; write it in site.yaml";

/** The text of a rule as in site.yaml; here it is about points, and local. */
export const ruleSchema = block("a rule", {
  ...RULE_SHAPE,
  points: patternsSchema,
  local: z.literal(
    true,
    says("a rule in edge.yaml runs on the node: write local: true, or move it to site.yaml"),
  ),
  /** For the hub only; allowed so that the text is the same. */
  receivers: z.array(z.string(), says("receivers are a list of names")).optional(),
});
export type RuleText = z.output<typeof ruleSchema>;

/** Keys of site.yaml's rules that mean nothing here, and why. */
export const HUB_KEYS: Readonly<Record<string, string>> = {
  silent: `a silent node cannot say so itself; this rule ${HUB_ONLY}`,
  nodes: `a rule about nodes ${HUB_ONLY}`,
};

/** Makes a rule of what was written, or says everything that does not fit together in it. */
export function toLocalRule(rule: RuleText): { rule: LocalRule } | { problems: RuleProblem[] } {
  const said = conditionOf(rule);
  if ("problems" in said) return said;
  const { id, priority, points, title, onDelay, offDelay, reAlarm, latch } = rule;
  return {
    rule: {
      ...{ id, priority, condition: said.condition, latch, points },
      onDelayMs: onDelay,
      offDelayMs: offDelay,
      ...(reAlarm === undefined ? {} : { reAlarmMs: reAlarm }),
      ...(title === undefined ? {} : { title }),
    },
  };
}
