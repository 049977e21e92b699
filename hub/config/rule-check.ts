import type { Condition } from "../../contract/alarm/rule.ts";
import { PLACEHOLDERS, type SiteRule } from "./hub-config.ts";
import { nearest } from "./nearest.ts";
import type { RuleText } from "./site-schema.ts";

export type RuleProblem = [key: string | null, text: string];

const KINDS = "allowed: above and/or below, or equals, or stale: true, or silent: true";

/** Makes a rule of what was written, or says everything that does not fit together in it. */
export function toRule(
  text: RuleText,
  receivers: ReadonlySet<string>,
): { rule: SiteRule } | { problems: RuleProblem[] } {
  const problems: RuleProblem[] = [
    ...subjectProblems(text),
    ...limitProblems(text),
    ...titleProblems(text.title),
    ...receiverProblems(text.receivers, receivers),
  ];
  const conditions = conditionsOf(text);
  const [condition] = conditions;
  if (!condition) problems.unshift([null, `says no condition; ${KINDS}`]);
  else if (conditions.length > 1)
    problems.unshift([null, `says ${conditions.length} kinds of condition at once; ${KINDS}`]);
  if (!condition || problems.length > 0) return { problems };
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

function conditionsOf({
  above,
  below,
  deadband = 0,
  equals,
  stale,
  silent,
}: RuleText): Condition[] {
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
  if (silent) conditions.push({ kind: "silent" });
  return conditions;
}

function subjectProblems({ points, nodes, silent, local }: RuleText): RuleProblem[] {
  if (local && silent) return [["local", "a silent node cannot say so itself; leave local out"]];
  if (points && nodes) return [["nodes", "a rule is about points or about nodes, not both"]];
  if (silent && !nodes) return [["silent", 'is about nodes; write nodes: ["*"] instead of points']];
  if (!silent && nodes) return [["nodes", "only a rule with silent: true is about nodes"]];
  return points || nodes ? [] : [[null, 'points is missing; needs patterns such as ["*.inlet-*"]']];
}

function limitProblems({ above, below, deadband }: RuleText): RuleProblem[] {
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
