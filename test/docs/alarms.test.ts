import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { checkSite } from "../../hub/config/site-check.ts";
import { formatProblem } from "../../hub/config/source.ts";
import { withOwnRules } from "../../hub/own-rules.ts";
import { RULE_GROUPS } from "../../hub/standard-rules/groups.ts";

const page = readFileSync(path.join(import.meta.dirname, "../../docs/alarms.md"), "utf8");
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);
const SITE = `site:
  id: t
  label: T
  timezone: UTC
  rooms:
    - { id: r, label: R, widthM: 1, depthM: 1, rows: [ { id: a, label: A, racks: [ { id: a03, label: A03, at: { x: 0, y: 0 } } ] } ] }
storage: { path: ./data }
`;

function load(text: string) {
  const result = checkSite(SITE + text, "docs/alarms.md");
  if ("config" in result) return result.config;
  throw new Error(result.problems.map(formatProblem).join("\n"));
}

test("every block of docs/alarms.md is right in a site.yaml", () => {
  expect(blocks.length).toBeGreaterThanOrEqual(3);
  for (const block of blocks) load(block);
});

test("the examples hold every kind of condition", () => {
  const kinds = new Set(blocks.flatMap((block) => load(block).alarms.map((r) => r.condition.kind)));
  expect([...kinds].sort()).toEqual(["digital", "frozen", "limit", "silent", "stale", "swing"]);
});

test("the page tells of every group, and its first block switches them all on", () => {
  for (const group of RULE_GROUPS) expect(page).toContain(`\n| ${group} |`);
  expect(withOwnRules(load(blocks[0]!)).map(({ id }) => id)).toContain("leak");
});
