import { readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { checkSite } from "../../hub/config/site-check.ts";
import { formatProblem } from "../../hub/config/source.ts";

const file = fileURLToPath(new URL("../../docs/on-call.md", import.meta.url));

test("the setting in docs/on-call.md is right and asks three people after 0, 10 and 30 min", () => {
  const [, block = ""] = /```yaml\n([^`]*)```/.exec(readFileSync(file, "utf8")) ?? [];
  const site = `site:
  id: demo
  label: Demo
  timezone: Europe/Helsinki
  rooms: [{ id: a, label: A, widthM: 1, depthM: 1, rows: [] }]
storage: { path: ./data }
`;
  const result = checkSite(site + block, path.basename(file));
  expect("problems" in result ? result.problems.map(formatProblem) : []).toEqual([]);
  const { delivery } = "config" in result ? result.config : {};
  expect(delivery?.escalations[0]?.steps.map(({ afterMs }) => afterMs / 60_000)).toEqual([
    0, 10, 30,
  ]);
});
