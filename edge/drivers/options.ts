import { z } from "zod";

/** Messages complete the sentence "<what was found> …", as the check of edge.yaml writes it. */
export function says(allowed: string) {
  return {
    error: (issue: { input?: unknown }) =>
      issue.input === undefined ? `is missing; ${allowed}` : `is not allowed; ${allowed}`,
  };
}

/** A block of options. Unknown keys are reported with the names it does have, separated by blanks. */
export function optionsBlock<T extends z.ZodRawShape>(what: string, shape: T) {
  const names = Object.keys(shape);
  const wrong = says(`${what} has the options ${names.join(", ")}`).error;
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? names.join(" ") : wrong(issue)),
  });
}

/** A number within bounds; `what` reads like "a shunt in Ω, 0.0001–10,". */
export function amount(what: string, min: number, max: number) {
  const help = says(`write ${what} from ${min} to ${max}`);
  return z.number(help).min(min, help).max(max, help);
}

/** A flag that is false unless set. */
export const flag = (what: string) => z.boolean(says(`${what} is true or false`)).default(false);
