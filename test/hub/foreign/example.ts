import { readFileSync } from "node:fs";
import path from "node:path";
import type { HubConfig } from "../../../hub/config/hub-config.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";
import { topFolder } from "../../system/top-folder.ts";

/** Passwords of the example's accounts: the name of the variable, in small letters. */
export const passwordOf = (variable: string) => `${variable.toLowerCase()}-in-a-test`;

/** deploy/examples/foreign.yaml as the hub reads it. */
export function foreignExample(): HubConfig {
  const file = path.join(topFolder(), "deploy/examples/foreign.yaml");
  return checked(readFileSync(file, "utf8"));
}

/** A site.yaml, checked; throws with all its problems. */
export function checked(text: string): HubConfig {
  const result = checkSite(text, "site.yaml", (reference) => ({
    value: passwordOf(reference.slice(4)),
  }));
  if ("config" in result) return result.config;
  throw new Error(result.problems.map(formatProblem).join("\n"));
}

export function problemsOf(text: string): string[] {
  const result = checkSite(text, "site.yaml", (reference) => ({
    value: reference === "env:SHORT" ? "short" : passwordOf(reference.slice(4)),
  }));
  return "problems" in result ? result.problems.map(formatProblem) : [];
}
