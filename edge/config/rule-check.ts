import { globMatcher, isId } from "../../contract/id.ts";
import type { LocalRule } from "../local/local-rule.ts";
import { field, type Parse } from "./explain.ts";
import { HUB_KEYS, ruleSchema, toLocalRule } from "./rule.ts";
import type { Path, Problem, Source } from "./source.ts";

const MAX_RULES = 100;

export interface RuleCheckDeps {
  parse: Parse;
  source: Source;
  /** Every point the node announces. */
  points: readonly string[];
}

/** The local rules of the file; what is wrong with them goes into `problems`. */
export function checkRules(
  raws: readonly unknown[],
  deps: RuleCheckDeps,
  problems: Problem[],
): LocalRule[] {
  const { source } = deps;
  const ids = new Map<string, number>();
  if (raws.length > MAX_RULES)
    problems.push(
      source.problem(["alarms"], `${raws.length} rules; a node judges at most ${MAX_RULES}`),
    );
  return raws.flatMap((raw, index) => {
    const at: Path = ["alarms", index];
    for (const [key, why] of Object.entries(HUB_KEYS))
      if (field(raw, key) !== undefined) problems.push(source.problemAtKey([...at, key], why));
    const { whole } = deps.parse(ruleSchema, withoutHubKeys(raw), at);
    if (!whole) return [];
    const made = toLocalRule(whole);
    if ("problems" in made) {
      for (const [key, message] of made.problems)
        problems.push(source.problem(key === null ? at : [...at, key], message));
      return [];
    }
    const first = ids.get(whole.id);
    if (first !== undefined)
      problems.push(
        source.problem([...at, "id"], `${whole.id} is taken by alarms[${first}]; choose another`),
      );
    ids.set(whole.id, first ?? index);
    problems.push(...subjectProblems(made.rule, at, deps));
    return [made.rule];
  });
}

function withoutHubKeys(raw: unknown): unknown {
  if (typeof raw !== "object" || raw === null || Array.isArray(raw)) return raw;
  return Object.fromEntries(Object.entries(raw).filter(([key]) => !(key in HUB_KEYS)));
}

function subjectProblems(rule: LocalRule, at: Path, { source, points }: RuleCheckDeps): Problem[] {
  return rule.points.flatMap((pattern, index) => {
    const place = [...at, "points", index];
    const matched = points.filter(globMatcher(pattern));
    if (matched.length === 0)
      return [source.problem(place, `${pattern} matches no point of this node`)];
    const long = matched.find((point) => !isId(`${rule.id}.${point}`));
    if (long === undefined) return [];
    const name = `${rule.id}.${long}`;
    return [
      source.problem(
        place,
        `the alarm's name ${name} has ${name.length} characters, 64 are allowed; shorten the rule's id`,
      ),
    ];
  });
}
