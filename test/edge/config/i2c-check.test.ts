import { expect, test } from "vitest";
import { parse } from "yaml";
import { pointInfoSchema } from "../../../contract/message.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { problemText } from "../../../edge/config/source.ts";
import { PROFILE_IDS } from "../../../edge/profiles/index.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { rulesText } from "../../../edge/profiles/tools/rules-text.ts";
import { ruleSchema as siteRuleSchema } from "../../../hub/config/site-schema.ts";

const catalogue = ownCatalogue();
const FRAME = `node: edge-1
hub: { url: "mqtt://127.0.0.1:1883" }
spool: { path: ./spool.db }
buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: net, type: modbus-tcp, host: 127.0.0.1 }
  - { id: ch-0, type: i2c-mux, bus: i2c-1, address: 0x70, channel: 0 }
  - { id: ch-1, type: i2c-mux, bus: i2c-1, address: 0x70, channel: 1 }
`;
const check = (rest: string) => checkEdge(FRAME + rest, "/etc/plenum/edge.yaml", catalogue);
function problems(rest: string): string[] {
  const checked = check(rest);
  if (!("problems" in checked)) return [];
  return checked.problems.map((problem) => problemText("edge.yaml", problem).replace(/^\S+ /, ""));
}
const tmp = (id: string, bus: string, address: string, more = "") =>
  `  - { id: ${id}, bus: ${bus}, driver: tmp117, address: ${address}, every: 2s, points: { temperature: ${id}.t }${more} }\n`;

test("chips of one address on two channels are right, and so is a box behind a channel", () => {
  const rest = `  - { id: box, type: i2c-gpio, bus: ch-1, chip: mcp23017, address: 0x20 }
devices:
${tmp("a", "ch-0", "0x48")}${tmp("b", "ch-1", "0x48")}doors:
  - { id: door-1, bus: box, line: 15 }
`;
  expect(problems(rest)).toEqual([]);
});

test.each([
  [
    "a chip on the bus itself, at the address of one behind the multiplexer",
    `devices:\n${tmp("a", "ch-0", "0x48")}${tmp("b", "i2c-1", "0x48")}`,
    "devices[0].address: 0x48 also answers on i2c-1 itself (devices[1].address), which hears all that is said to channel ch-0; give one of them another address, or a channel of its own",
  ],
  [
    "a chip behind the multiplexer, at the address of another multiplexer",
    `  - { id: ch-9, type: i2c-mux, bus: i2c-1, address: 0x71, channel: 1 }
  - { id: box, type: i2c-gpio, bus: ch-0, chip: pcf8574, address: 0x38 }
devices:
  - { id: c, bus: ch-0, driver: shtc3, address: 0x70, every: 2s, points: { humidity: c.h } }\n`,
    "devices[0].address: 0x70 also answers on i2c-1 itself (buses[2].address), which hears all that is said to channel ch-0; give one of them another address, or a channel of its own",
  ],
  [
    "a channel twice",
    "  - { id: again, type: i2c-mux, bus: i2c-1, address: 0x70, channel: 1 }\n",
    "buses[4].channel: 1 is taken by buses[3].channel; give each channel of the multiplexer i2c-1 0x70 only once",
  ],
  [
    "a multiplexer behind another",
    "  - { id: deep, type: i2c-mux, bus: ch-0, address: 0x71, channel: 1 }\n",
    "buses[4].bus: ch-0 is a bus of type i2c-mux; allowed here: i2c (i2c-1)",
  ],
  [
    "an expander and a sensor driver for the same chip",
    `  - { id: box, type: i2c-gpio, bus: i2c-1, chip: mcp23017, address: 0x20 }
devices:
  - { id: m, bus: i2c-1, driver: mcp23017, address: 0x20, every: 2s, points: { a0: m.x } }\n`,
    "devices[0].address: 0x20 is taken by buses[4].address; give each address of a bus only once",
  ],
  [
    "an MCP23017 at a PCF8574A's address",
    "  - { id: box, type: i2c-gpio, bus: i2c-1, chip: mcp23017, address: 0x38 }\n",
    "buses[4].address: 0x38 is not an address of a chip of this kind: mcp23017 answers at 0x20–0x27",
  ],
  [
    "a line the expander does not have",
    `  - { id: box, type: i2c-gpio, bus: i2c-1, chip: pcf8574, address: 0x38 }
doors:
  - { id: door-1, bus: box, line: 8 }\n`,
    "doors[0].line: 8 is no line of box; write 0–7 for P0–P7",
  ],
  [
    "a pulse meter on an expander",
    `  - { id: box, type: i2c-gpio, bus: i2c-1, chip: pcf8574, address: 0x38 }
pulses:
  - { point: m.energy, bus: box, line: 1, perKwh: 1000 }\n`,
    "pulses[0].bus: box is a bus of type i2c-gpio; allowed here: gpio",
  ],
  [
    "an output on a supervised loop",
    `  - { id: loops, type: i2c-loops, bus: i2c-1, chip: ads1115, address: 0x48 }
outputs:
  - { id: siren, bus: loops, line: 1 }\n`,
    "outputs[0].bus: loops is a bus of type i2c-loops; allowed here: gpio or i2c-gpio",
  ],
  [
    "an offset that is no calibration any more",
    `devices:\n${tmp("a", "i2c-1", "0x48", ", offset: { temperature: -12 }")}`,
    "devices[0].offset.temperature: -12 is too much; an offset is at most ±10 °C: a sensor that is further off is broken or in the wrong place",
  ],
  [
    "an offset of a channel that becomes no point",
    `devices:
  - { id: s, bus: i2c-1, driver: sht31, address: 0x44, every: 2s, points: { temperature: s.t }, offset: { humidity: 2 } }\n`,
    "devices[0].offset.humidity: humidity becomes no point here; name one under points, or remove the offset",
  ],
  [
    "a heater that is not there",
    `devices:\n${tmp("a", "i2c-1", "0x48", ", heater: true")}`,
    "devices[0].heater: a tmp117 has no heater; remove it",
  ],
  [
    "a second circuit monitor at the unit the first one's channels 43–84 stand at",
    `devices:
  - { id: p1, bus: net, profile: schneider-bcpm, unit: 1 }
  - { id: p2, bus: net, profile: schneider-bcpm, unit: 2 }\n`,
    "devices[1].unit: 2 is taken by devices[0].unit; give each unit of a bus only once",
  ],
])("%s is refused", (_name, rest, problem) => {
  expect(problems(rest)).toContain(problem);
});

test("an offset is announced, so that an auditor sees it", () => {
  const checked = check(
    `devices:\n${tmp("a", "i2c-1", "0x48", ", offset: { temperature: -0.3 }")}`,
  );
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const [point] = checked.config.points;
  expect(pointInfoSchema.parse(point)).toMatchObject({ id: "a.t", offset: -0.3 });
  expect(checked.config.truth.get("a.t")?.offset).toBe(-0.3);
});

test("a UPS announces the alarms its maker's document asks for", () => {
  const rest = "devices:\n  - { id: ups-a, bus: net, profile: apc-smartups-990-9840, unit: 1 }\n";
  const checked = check(rest);
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
  const alarms = (point: string) =>
    pointInfoSchema.parse(checked.config.points.find(({ id }) => id === point)).alarms;
  expect(alarms("ups-a.on-battery")).toEqual([
    { id: "on-battery", equals: 1, onDelayMs: 5_000, priority: 2 },
  ]);
  expect(alarms("ups-a.load")).toBeUndefined();
});

test("the alarms of every profile, printed as rules, are what site.yaml takes", () => {
  let rules = 0;
  for (const id of PROFILE_IDS) {
    const text = rulesText(loadProfile(id), "unit-1");
    if (!text.startsWith("alarms:")) continue;
    for (const rule of parse(text).alarms) {
      siteRuleSchema.parse(rule);
      rules += 1;
    }
  }
  expect(rules).toBeGreaterThan(30);
});
