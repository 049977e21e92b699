import type { SiteRule } from "../config/hub-config.ts";
import { toRule } from "../config/rule-check.ts";
import { ruleSchema } from "../config/site-schema.ts";
import { ConfigSource, formatProblem } from "../config/source.ts";

const MAX_CHARS = 10_000;

/** Reads one rule as it stands in site.yaml, or says everything wrong in it with line and column. */
export function ruleOfText(
  text: string,
  names: ReadonlySet<string>,
): { rule: SiteRule } | { problems: string[] } {
  if (text.length > MAX_CHARS)
    return { problems: [`${text.length} characters; allowed: ${MAX_CHARS}`] };
  const source = new ConfigSource(text, "rule");
  // Copied from site.yaml a rule is an entry of a list.
  const at = Array.isArray(source.raw) ? [0] : [];
  const read = source.problems.length === 0 ? source.parse(ruleSchema, at) : undefined;
  const made = read && toRule(read, names);
  if (made && "rule" in made) return made;
  for (const [key, what] of made?.problems ?? [])
    source.report(key === null ? at : [...at, key], what);
  return { problems: source.problems.map(formatProblem) };
}
