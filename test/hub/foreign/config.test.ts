import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJsonPath, valueAt } from "../../../hub/foreign/json-path.ts";
import { topicMatcher } from "../../../hub/foreign/topic-pattern.ts";
import { checked, foreignExample, passwordOf, problemsOf } from "./example.ts";

const site = (
  foreign: string,
) => `site: { id: s, label: S, timezone: UTC, rooms: [ { id: r, label: R, widthM: 1, depthM: 1, rows: [] } ] }
storage: { path: ./data }
${foreign}
`;
const point = (keys: string) =>
  site(`foreign: [ { id: plug, password: "env:PASSWORD", points: [ { ${keys} } ] } ]`);
const GOOD = "point: a01.power, topic: plug/power, quantity: power, period: 30s";

test("the example holds five accounts, a reader, Home Assistant and all points on /metrics", () => {
  const { foreign = [], readers, homeAssistant, metrics } = foreignExample();
  expect(foreign.map(({ id, mappings }) => [id, mappings.length])).toEqual([
    ...[
      ["zigbee", 5],
      ["shelly-plug", 3],
      ["shelly-ht", 2],
      ["tasmota", 3],
      ["esphome", 2],
    ],
  ]);
  expect(readers).toEqual([
    { id: "home-assistant", password: passwordOf("HOME_ASSISTANT_PASSWORD") },
  ]);
  expect(homeAssistant).toEqual({ prefix: "homeassistant", points: ["*"] });
  expect(metrics).toEqual({ points: true });
});

test("a site without any of it has none of it", () => {
  expect(checked(site(""))).toMatchObject({
    ...{ foreign: [], readers: [], homeAssistant: null, metrics: { points: false } },
  });
});

test.each([
  ["unit: °F", "unit", '"°F" is not one of power; allowed: W, mW, kW'],
  ["unit: kw", "unit", 'did you mean "kW"?'],
  ["unit: kW, scale: 2", "unit", "write either unit, or scale and offset"],
  ["scale: 0", "scale", "0 would make every value the same"],
  ["on: [1], off: [0]", "on", "only belongs to quantity: flag"],
  ["path: a..b", "path", "allowed: a path such as ENERGY.Power"],
  ['path: "a[x()]"', "path", "allowed: a path such as ENERGY.Power"],
  ["time: a.", "time", "allowed: a path such as"],
  ['label: "{1}"', "label", "only {1} to {0} stand for a + of this topic"],
])("%s is refused with its place", (keys, key, words) => {
  const [problem, ...more] = problemsOf(point(`${GOOD}, ${keys}`));
  expect(problem).toMatch(/^site\.yaml:3:\d+ /);
  expect(problem).toContain(`foreign[0].points[0].${key}: `);
  expect(problem).toContain(words);
  expect(more).toEqual([]);
});

test.each([
  ["plug/#", "no #"],
  ["plug/a+", "a level may be +"],
  ["/plug", "allowed: a topic"],
  ["$SYS/x", "allowed: a topic"],
  ["plenum/v1/edge-a/live", "Plenum's own"],
  ["+/v1/hub/status", "Plenum's own"],
  ["+/power", "Plenum's own"],
])("the topic %s is refused", (topic, words) => {
  const keys = `point: "p", topic: "${topic}", quantity: power, period: 30s`;
  expect(problemsOf(point(keys)).join("\n")).toContain(words);
});

test("what Home Assistant's topics are made of cannot be a device's", () => {
  const text = point("point: p, topic: ha/sensor/x, quantity: power, period: 30s");
  expect(problemsOf(`${text}homeAssistant: { prefix: ha }\n`)).toHaveLength(1);
});

test("all mistakes of accounts are told at once: names, passwords, twins", () => {
  const text = site(`foreign:
  - { id: plug, password: "env:SHORT", points: [ { ${GOOD} } ] }
  - { id: plug, password: "env:PASSWORD", points: [ { ${GOOD} } ] }
  - { id: hub, password: "in-plain-sight-1", points: [] }
readers:
  - { id: plug, password: "env:PASSWORD" }
`);
  const problems = problemsOf(text).join("\n");
  for (const words of [
    "foreign[0].password: needs at least 12 characters",
    'foreign[1].id: "plug" is taken by foreign[0]',
    'foreign[1].points[0].point: "a01.power" is taken by foreign[0].points[0]',
    'foreign[2].password: write "env:NAME" or "file:PATH"',
    'readers[0].id: "plug" is taken by foreign[1]',
  ])
    expect(problems).toContain(words);
  expect(problems).not.toContain("in-plain-sight-1");
});

test("a family of topics must name every capture", () => {
  const keys = 'point: "{1}.t", topic: plug/+/+, quantity: temperature, period: 30s';
  expect(problemsOf(point(keys)).join()).toContain("must hold {1} …");
});

test.each([
  ["a", ["a"]],
  ["ENERGY.Power", ["ENERGY", "Power"]],
  ["sensors[0].value", ["sensors", 0, "value"]],
  ['params["temperature:0"].tC', ["params", "temperature:0", "tC"]],
  ['["a.b"]', ["a.b"]],
  ["[2]", [2]],
])("the path %s leads through %j", (text, path) => {
  expect(parseJsonPath(text)).toEqual(path);
});

test.each([
  "",
  ".",
  ".a",
  "a.",
  "a..b",
  "a[",
  "a[-1]",
  "a[b]",
  "a['b']",
  "a b",
  "a()",
  '["a]',
  "a[0]b",
])("%j is no path", (text) => {
  expect(parseJsonPath(text)).toBeUndefined();
});

test("a path finds what the sender wrote and never what objects inherit", () => {
  expect(valueAt({ a: [{ b: 7 }] }, ["a", 0, "b"])).toBe(7);
  for (const path of [["constructor"], ["a", "length"], ["toString", "name"], ["a", 3], ["a", "0"]])
    expect(valueAt({ a: [1] }, path)).toBeUndefined();
});

test("any path of plain names finds its value again", () => {
  const name = fc.stringMatching(/^[A-Za-z_:-]{1,12}$/).filter((text) => text !== "__proto__");
  fc.assert(
    fc.property(fc.array(name, { minLength: 1, maxLength: 8 }), fc.integer(), (names, value) => {
      const json = names.reduceRight<unknown>((inner, key) => ({ [key]: inner }), value);
      expect(valueAt(json, parseJsonPath(names.join(".")) ?? [])).toBe(value);
    }),
  );
});

test("a + stands for one whole level", () => {
  const match = topicMatcher("tele/+/SENSOR");
  expect(match("tele/plug/SENSOR")).toEqual(["plug"]);
  expect(match("tele//SENSOR")).toEqual([""]);
  for (const topic of ["tele/plug", "tele/a/b/SENSOR", "tele/plug/SENSOR/x", "x/plug/SENSOR"])
    expect(match(topic)).toBeUndefined();
});
