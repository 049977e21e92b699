import { conditionOf, type RuleProblem } from "../../contract/alarm/rule-text.ts";
import { PLACEHOLDERS, type SiteRule } from "./hub-config.ts";
import { nearest } from "./nearest.ts";
import type { RuleText } from "./site-schema.ts";

/** Makes a rule of what was written, or says everything that does not fit together in it. */
export function toRule(
  text: RuleText,
  receivers: ReadonlySet<string>,
): { rule: SiteRule } | { problems: RuleProblem[] } {
  const said = conditionOf(text, ", or silent: true");
  const problems: RuleProblem[] = [
    ...("problems" in said ? said.problems : []),
    ...subjectProblems(text),
    ...titleProblems(text.title),
    ...receiverProblems(text.receivers, receivers),
  ];
  if ("problems" in said || problems.length > 0) return { problems };
  const { condition } = said;
  const { id, priority, points, nodes, title, runbook, onDelay, offDelay, reAlarm, latch } = text;
  const rule: SiteRule = {
    ...{ id, priority, condition, latch, title },
    onDelayMs: onDelay,
    offDelayMs: offDelay,
    ...(reAlarm === undefined ? {} : { reAlarmMs: reAlarm }),
    points: points ?? [],
    nodes: nodes ?? [],
    runbook: runbook?.trim() ?? null,
    receivers: [...new Set(text.receivers)],
    ...(text.local && { local: true }),
  };
  return { rule };
}

function subjectProblems({ points, nodes, silent, local }: RuleText): RuleProblem[] {
  if (local && silent) return [["local", "a silent node cannot say so itself; leave local out"]];
  if (points && nodes) return [["nodes", "a rule is about points or about nodes, not both"]];
  if (silent && !nodes) return [["silent", 'is about nodes; write nodes: ["*"] instead of points']];
  if (!silent && nodes) return [["nodes", "only a rule with silent: true is about nodes"]];
  return points || nodes ? [] : [[null, 'points is missing; needs patterns such as ["*.inlet-*"]']];
}

function titleProblems(title: string): RuleProblem[] {
  const problems: RuleProblem[] = [];
  for (const [, name = ""] of title.matchAll(/\{([^}]*)\}/g)) {
    if ((PLACEHOLDERS as readonly string[]).includes(name)) continue;
    const meant = nearest(name, PLACEHOLDERS);
    const allowed = PLACEHOLDERS.map((word) => `{${word}}`).join(" ");
    const hint = meant ? `did you mean {${meant}}?` : `allowed: ${allowed}`;
    problems.push(["title", `{${name}} means nothing; ${hint}`]);
  }
  return problems;
}

function receiverProblems(names: string[], known: ReadonlySet<string>): RuleProblem[] {
  return names
    .filter((name) => !known.has(name))
    .map((name) => {
      const meant = nearest(name, known);
      const list = known.size > 0 ? [...known].join(", ") : "none is defined under receivers";
      const hint = meant ? `did you mean "${meant}"?` : `known: ${list}`;
      return ["receivers", `"${name}" is not a receiver; ${hint}`];
    });
}
