import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { pointInfoSchema } from "../../contract/message.ts";
import { ownCatalogue } from "../../edge/config/catalogue.ts";
import { checkEdge } from "../../edge/config/check.ts";
import { LISTS } from "../../edge/config/file-schema.ts";
import { BUS_TYPES } from "../../edge/config/schema.ts";
import { problemText } from "../../edge/config/source.ts";

const top = path.join(import.meta.dirname, "../..");
const page = readFileSync(path.join(top, "docs/edge-yaml.md"), "utf8");
const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text = ""]) => text);

function checked(text: string, file: string) {
  const result = checkEdge(text, file, ownCatalogue());
  if ("config" in result) return result.config;
  throw new Error(result.problems.map((problem) => problemText(file, problem)).join("\n"));
}

test("the blocks of docs/edge-yaml.md together are one right file with every section and bus type", () => {
  expect(blocks.length).toBeGreaterThanOrEqual(6);
  const text = blocks.join("");
  const config = checked(text, "docs/edge-yaml.md");
  for (const section of LISTS) expect(parse(text), section).toHaveProperty(section);
  expect(new Set(config.buses.map(({ type }) => type))).toEqual(new Set(BUS_TYPES));
  for (const point of config.points) pointInfoSchema.parse(point);
  expect(config.points.find(({ id }) => id === "a02.inlet-top")?.offset).toBe(-0.3);
});

test("the page describes every type of bus", () => {
  for (const type of BUS_TYPES) expect(page).toContain(`\`${type}\``);
});

const examples = readdirSync(path.join(top, "deploy/examples")).filter((name) =>
  name.startsWith("edge-"),
);
test.each(examples)("deploy/examples/%s is right", (name) => {
  const file = path.join(top, "deploy/examples", name);
  expect(checked(readFileSync(file, "utf8"), file).points.length).toBeGreaterThan(5);
});
