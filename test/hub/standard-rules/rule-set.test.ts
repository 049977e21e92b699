import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { birthSchema, type PointInfo } from "../../../contract/message.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import type { HubConfig } from "../../../hub/config/hub-config.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";
import { USUAL_CLIMATE } from "../../../hub/derived/climate.ts";
import { withOwnRules } from "../../../hub/own-rules.ts";
import { RULE_GROUPS } from "../../../hub/standard-rules/groups.ts";
import { proposedRules } from "../../../hub/standard-rules/proposed.ts";
import { ruleReport } from "../../../hub/standard-rules/rule-report.ts";
import { standardRules } from "../../../hub/standard-rules/rule-set.ts";
import { SITE } from "../derived/scene.ts";

const demo = path.join(import.meta.dirname, "../../../deploy/demo");
const secret = () => ({ value: "x".repeat(24) });

function site(text: string): HubConfig {
  const result = checkSite(text, path.join(demo, "site.yaml"), secret);
  if ("problems" in result) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config;
}

const config = site(readFileSync(path.join(demo, "site.yaml"), "utf8"));
const all = () => standardRules(RULE_GROUPS, { site: SITE, climate: USUAL_CLIMATE, receivers: [] });

function demoPoints(node: string): PointInfo[] {
  const text = readFileSync(path.join(demo, `${node}.yaml`), "utf8");
  const result = checkEdge(text, `${node}.yaml`, ownCatalogue());
  if (!("config" in result)) throw new Error(`${node} has problems`);
  return result.config.points;
}
const births = ["edge-hall", "edge-plant"].map((node) =>
  birthSchema.parse({
    ...{ v: 1, node, label: node, software: "t", bootId: "b", epoch: "e", at: 0, doors: [] },
    points: demoPoints(node),
  }),
);

test("every ready-made rule has an id of its own, plain words and a runbook", () => {
  const ids = all().map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const rule of all()) {
    expect(rule.id, rule.id).toMatch(/^[a-z0-9][a-z0-9_-]{0,31}$/);
    expect(rule.runbook?.length, rule.id).toBeGreaterThan(40);
    expect(rule.runbook, rule.id).not.toContain("{");
    expect(rule.title.length, rule.id).toBeGreaterThan(5);
  }
});

test("inlets of class A1 alarm above 32 °C after 15 s and above 27 °C after 60 s; A2 at 1500 m above 33 °C", () => {
  const limit = (climate: HubConfig["climate"] = USUAL_CLIMATE) =>
    standardRules(["climate"], { site: SITE, climate, receivers: [] })
      .filter(({ id }) => id === "inlet-critical" || id === "inlet-high")
      .map(({ condition, onDelayMs }) => [
        condition.kind === "limit" && condition.above,
        onDelayMs,
      ]);
  expect(limit()).toEqual([
    [32, 15_000],
    [27, 60_000],
  ]);
  expect(limit({ ...USUAL_CLIMATE, class: "A2", altitudeM: 1_500 })[0]).toEqual([33, 15_000]);
});

test("tape narrows the change allowed in an hour to 5 °C", () => {
  const swings = (tape: boolean) =>
    standardRules(["climate"], { site: SITE, climate: { ...USUAL_CLIMATE, tape }, receivers: [] })
      .map(({ condition }) => condition)
      .filter(({ kind }) => kind === "swing");
  expect(swings(true)).toEqual([{ kind: "swing", above: 5, windowMs: 3_600_000 }]);
  expect(swings(false)).toHaveLength(2);
});

test("a rule of the site stands in for the ready-made one of the same id", () => {
  const rules = withOwnRules(config).filter(({ id }) => id === "utility-lost");
  expect(rules).toHaveLength(1);
  expect(rules[0]?.condition).toMatchObject({ below: 180 });
});

test("without standardRules there are none, with a list only those groups", () => {
  const ids = (standard: string) =>
    withOwnRules(
      site(
        `site: { id: t, label: T, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: ./data }
${standard}`,
      ),
    ).map(({ id }) => id);
  expect(ids("")).not.toContain("leak");
  expect(ids("standardRules: [leak]")).toContain("leak");
  expect(ids("standardRules: [leak]")).not.toContain("node-silent");
  expect(ids("standardRules: true")).toContain("node-silent");
});

test("mistakes in standardRules and climate are named with what is allowed", () => {
  const text = readFileSync(path.join(demo, "site.yaml"), "utf8")
    .replace("standardRules: true", "standardRules: [leek]")
    .replace(/^climate: .*$/m, "climate: { set: ashrae-2011, class: H1, places: { a99: {} } }");
  const result = checkSite(text, "site.yaml", secret);
  const problems = "problems" in result ? result.problems.map(formatProblem).join("\n") : "";
  expect(problems).toContain("leak");
  expect(problems).toContain("H1 came with ashrae-2021");
  expect(problems).toContain('"a99" is neither a room nor a rack');
});

test("in the demonstration the rules apply to what its devices offer and what the hub derives", () => {
  const lines = ruleReport(config, births);
  const count = (id: string) => Number(new RegExp(` ${id} +(\\d+) `).exec(lines.join("\n"))?.[1]);
  expect(count("inlet-critical")).toBe(48);
  expect(count("inlet-low")).toBe(48);
  expect(count("cooling-stopped")).toBe(3);
  expect(count("cooling-fails")).toBe(3);
  expect(count("on-battery")).toBe(2);
  expect(count("air-outside")).toBe(16);
  expect(count("cooling-no-spare")).toBe(1);
  expect(count("condensation")).toBe(1);
  expect(count("feed-alone")).toBe(2);
  expect(count("phase-imbalance")).toBe(7);
  expect(count("node-silent")).toBe(2);
  expect(lines[0]).toMatch(/points of 2 nodes known, \d+ derived/);
});

test("what a profile proposes is watched where no rule judges the point's value", () => {
  const points = new Map(births.flatMap((b) => b.points).map((info) => [info.id, { info }]));
  const proposed = proposedRules({
    rules: withOwnRules(config),
    point: (id) => points.get(id),
    receivers: ["duty"],
  });
  expect(proposed("crah-1.status").map(({ id }) => id)).toEqual(["critical", "warning"]);
  expect(proposed("ups-a.fault")[0]).toMatchObject({
    id: "fault",
    priority: 1,
    receivers: ["duty"],
  });
  // The ready-made rules judge these two.
  expect(proposed("ups-a.on-battery")).toEqual([]);
  expect(proposed("crah-1.running")).toEqual([]);
});
