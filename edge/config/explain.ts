import type { z } from "zod";
import { nearest } from "./nearest.ts";
import type { Path, Problem, Source } from "./source.ts";

/** One mistake a schema found, as a person wants to read it, at its place in the file. */
export function explain(issue: z.core.$ZodIssue, at: Path, source: Source): Problem[] {
  const path = [...at, ...issue.path.map((key) => (typeof key === "symbol" ? "?" : key))];
  if (issue.code === "unrecognized_keys") {
    const names = issue.message.split(" ");
    return issue.keys.map((key) => {
      const meant = nearest(key, names);
      const help = meant ? `did you mean ${meant}?` : "remove it.";
      const allowed = `is not a setting here; ${help} Allowed: ${names.join(", ")}`;
      return source.problemAtKey([...path, key], allowed);
    });
  }
  const missing = issue.message.startsWith("is missing");
  return [
    source.problem(path, missing ? issue.message : `${source.written(path)} ${issue.message}`),
  ];
}

/** Checks a value and reports into a list; what is left of it when it is wrong can still be used. */
export type Parse = <T extends z.ZodType>(
  schema: T,
  value: unknown,
  at: Path,
) => { whole: z.output<T>; partly?: undefined } | { whole?: undefined; partly: object };

export function parserInto(problems: Problem[], source: Source): Parse {
  return (schema, value, at) => {
    const parsed = schema.safeParse(value);
    if (parsed.success) return { whole: parsed.data };
    problems.push(...parsed.error.issues.flatMap((issue) => explain(issue, at, source)));
    return { partly: withoutMistakes(value, parsed.error.issues) };
  };
}

/** What is left of an entry without its wrong settings, so that the others can still be checked. */
function withoutMistakes(value: unknown, issues: readonly z.core.$ZodIssue[]): object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {};
  const wrong = new Set(issues.map(({ path }) => path[0]));
  return Object.fromEntries(Object.entries(value).filter(([key]) => !wrong.has(key)));
}

/** A setting of what may or may not be a block. */
export function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? (value as Record<string, unknown>)[name]
    : undefined;
}
