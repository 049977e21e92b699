import path from "node:path";
import { expect, test } from "vitest";
import { birthSchema } from "../../../contract/message.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import type { EdgeConfig } from "../../../edge/config/edge-config.ts";
import { problemText } from "../../../edge/config/source.ts";
import { toRule } from "../../../hub/config/rule-check.ts";
import { ruleSchema as siteRuleSchema } from "../../../hub/config/site-schema.ts";

const catalogue = ownCatalogue();
const FRAME = `node: edge-1
hub: { url: "mqtt://127.0.0.1:1883" }
spool: { path: ./spool.db }
buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: gpio, type: gpio, chip: auto }
  - { id: net, type: modbus-tcp, host: 127.0.0.1 }
  - { id: upsd, type: nut, host: 127.0.0.1, user: monitor, password: file:nut.secret }
  - { id: sys, type: kernel }
`;
const SHT31 = `devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 2s, points: { temperature: a01.inlet-top } }
`;

function check(rest: string) {
  return checkEdge(FRAME + rest, "/etc/plenum/edge.yaml", catalogue);
}
function problems(rest: string): string[] {
  const checked = check(rest);
  if (!("problems" in checked)) return [];
  return checked.problems.map((problem) => problemText("edge.yaml", problem).replace(/^\S+ /, ""));
}
function config(rest: string): EdgeConfig {
  const checked = check(rest);
  if ("config" in checked) return checked.config;
  throw new Error(JSON.stringify(checked.problems));
}
const ids = (rest: string) => config(rest).points.map(({ id }) => id);

test("a UPS by NUT announces the same states as one by Modbus, and its password stands in a file beside", () => {
  const file = `devices:
  - { id: ups-a, bus: upsd, ups: rack1, values: [load, charge] }
  - { id: ups-b, bus: net, profile: apc-smartups-990-9840, unit: 1 }
`;
  const names = ids(file);
  for (const state of ["online", "on-battery", "bypass", "overload", "communication-lost"])
    expect([names.includes(`ups-a.${state}`), names.includes(`ups-b.${state}`)]).toEqual([
      true,
      true,
    ]);
  expect(names.filter((name) => /^ups-a\.(load|charge|runtime)$/.test(name))).toHaveLength(2);
  expect(config(file).buses).toContainEqual(
    expect.objectContaining({ password: `file:${path.resolve("/etc/plenum/nut.secret")}` }),
  );
});

test("a sensor of the kernel, a pulse meter and an output announce their points", () => {
  const file = `devices:
  - { id: cpu, bus: sys, driver: hwmon, sensor: cpu_thermal, every: 10s, points: { temp1: edge-1.cpu } }
pulses:
  - { point: utility-a.energy, power: utility-a.power, bus: gpio, line: 5, perKwh: 1000 }
outputs:
  - { id: beacon, label: Beacon hall A, bus: gpio, line: 6, autoOff: 10m, alone: 5m }
`;
  expect(config(file).points).toMatchObject([
    { id: "edge-1.cpu", quantity: "temperature", periodMs: 10_000 },
    { id: "utility-a.energy", quantity: "energy" },
    { id: "utility-a.power", quantity: "power" },
    { id: "beacon.on", quantity: "flag", label: "Beacon hall A (1 = on)" },
    { id: "beacon.fault", quantity: "flag" },
  ]);
  expect(config(file)).toMatchObject({
    pulses: [{ contact: "no", debounce: 12, startKwh: 0 }],
    outputs: [{ active: "high", safe: "off", until: "cleared", autoOff: 600_000, alone: 300_000 }],
  });
});

test("`every` of a Modbus device replaces the period of its profile's normal class, and no other", () => {
  const meter = (every: string) =>
    config(`devices:
  - { id: m, bus: net, profile: eastron-sdm630, unit: 1${every} }
`).points;
  const own = catalogue.profile("eastron-sdm630");
  for (const [i, point] of meter(", every: 1s").entries()) {
    const normal = own.points[i]?.class === "normal";
    expect(point.periodMs).toBe(normal ? 1_000 : meter("")[i]?.periodMs);
  }
  expect(meter(", every: 1s").some(({ periodMs }) => periodMs === 1_000)).toBe(true);
});

test("options are checked by the driver, and say what it measures", () => {
  const adc = (options: string, points: string) => `devices:
  - { id: adc, bus: i2c-1, driver: ads1115, address: 0x48, every: 2s${options}, points: { ${points} } }
`;
  const loop = "{ kind: current-loop, shuntOhm: 100, quantity: pressure, at4mA: 0, at20mA: 50 }";
  expect(config(adc(`, options: { a0: ${loop} }`, "a0: a.dp")).points).toMatchObject([
    { id: "a.dp", quantity: "pressure" },
  ]);
  const [unknown] = problems(adc(`, options: { a0: { kind: lamp } }`, "a0: a.dp"));
  expect(unknown).toContain("devices[0].options.a0.kind: lamp is not allowed; kind is voltage");
  expect(problems(adc(`, options: { a0: ${loop} }`, "a1: a.dp")).join()).toContain("a1");
  const bare = SHT31.replace("every", "options: { fast: true }, every");
  expect(problems(bare)).toEqual(["devices[0].options: sht31 has no options; remove them"]);
});

const RULE = `${SHT31}alarms:
  - id: inlet-hot
    local: true
    points: ["*.inlet-*"]
    above: 35
    deadband: 0.5
    onDelay: 15s
    priority: 1
    title: "{place} inlet {value}"
    receivers: [duty]
`;

test("a local rule is the text of site.yaml and gives the same rule as there", () => {
  const { points: _, title, ...own } = config(RULE).alarms[0]!;
  const text = { id: "inlet-hot", points: ["*.inlet-*"], above: 35, deadband: 0.5, onDelay: "15s" };
  const rest = { priority: 1, title: "{place} inlet {value}", receivers: ["duty"] };
  const made = toRule(siteRuleSchema.parse({ ...text, ...rest }), new Set(["duty"]));
  if (!("rule" in made)) throw new Error(JSON.stringify(made.problems));
  expect(made.rule).toMatchObject({ ...own, title });
});

test.each([
  [
    "a rule that is not local",
    RULE.replace("    local: true\n", ""),
    "alarms[0].local: is missing; a rule in edge.yaml runs on the node: write local: true, or move it to site.yaml",
  ],
  [
    "a rule on no point of the node",
    RULE.replace("*.inlet-*", "b*.inlet-*"),
    "alarms[0].points[0]: b*.inlet-* matches no point of this node",
  ],
  [
    "a rule without condition",
    RULE.replace("    above: 35\n    deadband: 0.5\n", ""),
    "alarms[0]: says no condition; allowed: above and/or below, or equals, or swing, or frozen: true, or stale: true",
  ],
  [
    "limits upside down",
    RULE.replace("above: 35", "above: 35\n    below: 40"),
    "alarms[0].above: 35 is not higher than below (40), so every value would alarm",
  ],
  [
    "a rule about silent nodes",
    RULE.replace("above: 35\n    deadband: 0.5", "silent: true\n    equals: 1"),
    "alarms[0].silent: a silent node cannot say so itself; this rule runs on the hub; write it in site.yaml",
  ],
  [
    "two rules of one name",
    RULE + RULE.slice(RULE.indexOf("  - id: inlet-hot")),
    "alarms[1].id: inlet-hot is taken by alarms[0]; choose another",
  ],
  [
    "an output that follows no rule of the file",
    `${RULE}outputs:\n  - { id: beacon, bus: gpio, line: 6, rules: [inlet-hto] }\n`,
    "outputs[0].rules[0]: inlet-hto is not a rule of this file; did you mean inlet-hot? allowed: inlet-hot",
  ],
  [
    "an output on a door's line",
    `doors:\n  - { id: door-1, bus: gpio, line: 6 }\noutputs:\n  - { id: beacon, bus: gpio, line: 6 }\n`,
    "outputs[0].line: 6 is taken by doors[0].line; give each line of a bus only once",
  ],
])("%s", (_name, rest, problem) => {
  expect(problems(rest)).toEqual([problem]);
});

test("a password that stands in the file itself is refused without repeating it as allowed", () => {
  const text = FRAME.replace("file:nut.secret", "hunter2") + SHT31;
  const checked = checkEdge(text, "edge.yaml", catalogue);
  if (!("problems" in checked)) throw new Error("accepted");
  expect(checked.problems[0]?.message).toContain("write env:NAME or file:PATH");
});

test("what a node with rules announces is a birth that the hub understands", () => {
  const { node, label, points, doorInfos, alarms } = config(RULE);
  const rules = alarms.map(({ id, priority, points, title }) => ({ id, priority, points, title }));
  const birth = { v: 1, node, label, software: "s", bootId: "b", epoch: "e", at: 0 };
  expect(birthSchema.parse({ ...birth, points, doors: doorInfos, rules }).rules).toHaveLength(1);
});

test("a node with more points than one birth can hold is told so before anything starts", () => {
  const meter = (i: number) =>
    `  - { id: meter-${i}, label: "A meter with quite a long name ${i}", bus: net, profile: eastron-sdm630, unit: ${i} }\n`;
  const file = (count: number) =>
    `devices:\n${Array.from({ length: count }, (_, i) => meter(i + 1)).join("")}`;
  expect(problems(file(20))).toEqual([]);
  expect(problems(file(240))).toEqual([
    expect.stringMatching(/^devices: \d+ points are announced in \d+ bytes; .* second node$/),
  ]);
});
