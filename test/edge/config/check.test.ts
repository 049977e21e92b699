import { readFileSync } from "node:fs";
import path from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { pointInfoSchema } from "../../../contract/message.ts";
import { type Catalogue, ownCatalogue, type Sensor } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { edgeSchema } from "../../../edge/config/file-schema.ts";
import { nearest } from "../../../edge/config/nearest.ts";
import { problemText } from "../../../edge/config/source.ts";

/** A few of each, so that a new driver changes no sentence here. */
const catalogue: Catalogue = {
  ...ownCatalogue(),
  i2c: new Map<string, Sensor & { addresses: readonly number[] }>([
    [
      "sht31",
      { channels: { temperature: "temperature", humidity: "humidity" }, addresses: [0x44, 0x45] },
    ],
    ["tmp117", { channels: { temperature: "temperature" }, addresses: [0x48, 0x49, 0x4a, 0x4b] }],
  ]),
  oneWire: new Map([["ds18b20", { channels: { temperature: "temperature" }, family: "28" }]]),
  profiles: ["apc-inrow-sc", "apc-smartups-990-9840", "dse-genset", "eastron-sdm630"],
};
const FRAME = `node: edge-1
hub: { url: "mqtt://127.0.0.1:1883" }
spool: { path: ./spool.db }
`;
const BUSES = `${FRAME}buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: w1, type: one-wire }
  - { id: gpio, type: gpio, chip: auto }
  - { id: rs485, type: modbus-rtu, device: ./tty, baud: 9600, parity: none }
`;

function problems(text: string): string[] {
  const checked = checkEdge(text, "edge.yaml", catalogue);
  return "problems" in checked
    ? checked.problems.map((problem) => problemText("edge.yaml", problem))
    : [];
}

test.each(["demo/edge-hall.yaml", "demo/edge-plant.yaml", "examples/edge-pi.yaml"])(
  "%s is right, and every point of it can be announced",
  (name) => {
    const file = path.join(import.meta.dirname, "../../../deploy", name);
    const checked = checkEdge(readFileSync(file, "utf8"), file, ownCatalogue());
    if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems));
    expect(checked.config.points.length).toBeGreaterThan(10);
    for (const point of checked.config.points) pointInfoSchema.parse(point);
  },
);

test("durations become ms, defaults are filled in, and paths count from the file's folder", () => {
  const text = `${BUSES}devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 2s, points: { temperature: a01.inlet-top } }
doors:
  - { id: door-1, bus: gpio, line: 17 }
`;
  const checked = checkEdge(text, "/etc/plenum/edge.yaml", catalogue);
  expect(checked).toMatchObject({
    config: {
      label: "edge-1",
      spool: { path: "/etc/plenum/spool.db", quotaBytes: 256 * 1_048_576, commitEveryMs: 2_000 },
      buses: [{}, { path: "/sys/bus/w1/devices" }, {}, { device: "/etc/plenum/tty", stop: 1 }],
      devices: [{ kind: "i2c", address: 0x44, every: 2_000 }],
      doors: [{ contact: "nc", debounce: 100 }],
      points: [
        { id: "a01.inlet-top", quantity: "temperature", label: "A01 inlet top", periodMs: 2_000 },
        { id: "door-1.open", quantity: "flag", label: "door-1 (1 = open)", periodMs: 10_000 },
      ],
    },
  });
});

test("three mistakes in one file are all reported, in file order, each with its place", () => {
  const text = `${BUSES}devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x80, every: 2s, points: { temperature: a01.inlet-top } }
  - { id: low, bus: i2c-2, driver: tmp117, address: 0x48, every: 2s, points: { temperature: a01.inlet-low } }
doors:
  - { id: door-1, bus: gpio, line: 17, debonce: 100ms }
`;
  expect(problems(text)).toEqual([
    "edge.yaml:10:52 devices[0].address: 0x80 is outside 0x08–0x77; an sht31 answers at 0x44 or 0x45",
    "edge.yaml:11:21 devices[1].bus: i2c-2 is not a bus of this file; did you mean i2c-1? allowed: i2c-1, w1, gpio, rs485",
    "edge.yaml:13:40 doors[0].debonce: is not a setting here; did you mean debounce? Allowed: id, label, bus, line, contact, debounce",
  ]);
});

const device = (text: string) => `${BUSES}devices:\n  - { ${text} }\n`;
const SHT = "id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 2s";

/** The text without its mark `»`, and where the mark stood. */
function marked(text: string): { text: string; place: string } {
  const lines = text.slice(0, text.indexOf("»")).split("\n");
  return {
    text: text.replace("»", ""),
    place: `${lines.length}:${(lines.at(-1) ?? "").length + 1}`,
  };
}

const ID_HELP =
  "is 1–64 characters of a–z 0–9 _ . - beginning with a letter or digit, in quotes when it is a plain number";
const EVERY_HELP = "write a number and a unit, from 500ms to 1h, such as 500ms, 2s or 5m";

test.each([
  [
    "an unknown driver",
    device(
      "id: top, bus: i2c-1, driver: »sht13, address: 0x44, every: 2s, points: { temperature: p.t }",
    ),
    "devices[0].driver: sht13 is not a known driver; did you mean sht31? allowed: sht31, tmp117",
  ],
  [
    "an address another chip has",
    device(
      "id: top, bus: i2c-1, driver: sht31, address: »0x48, every: 2s, points: { temperature: p.t }",
    ),
    "devices[0].address: 0x48 is not an address of this sensor; an sht31 answers at 0x44 or 0x45",
  ],
  [
    "a channel the chip does not have",
    device(`${SHT}, points: { »pressure: p.t }`),
    "devices[0].points.pressure: sht31 does not measure this; allowed: temperature, humidity",
  ],
  [
    "a sensor that feeds no point",
    device(`${SHT}, points: »{}`),
    "devices[0].points: no point is named; sht31 measures temperature, humidity",
  ],
  [
    "a missing setting",
    `${BUSES}devices:\n  - »{ id: top, bus: i2c-1, driver: sht31, address: 0x44, points: { temperature: p.t } }\n`,
    `devices[0].every: is missing; ${EVERY_HELP}`,
  ],
  [
    "a duration without a unit",
    device(`${SHT.replace("2s", "»2")}, points: { temperature: p.t }`),
    `devices[0].every: 2 is not allowed; ${EVERY_HELP}`,
  ],
  [
    "a duration out of range",
    device(`${SHT.replace("2s", "»2h")}, points: { temperature: p.t }`),
    `devices[0].every: 2h is not allowed; ${EVERY_HELP}`,
  ],
  [
    "a point with capital letters",
    device(`${SHT}, points: { temperature: »A01.top }`),
    `devices[0].points.temperature: A01.top is not allowed; a point ${ID_HELP}`,
  ],
  [
    "an id that YAML takes for a number",
    `${BUSES}doors:\n  - { id: »1e5, bus: gpio, line: 17 }\n`,
    `doors[0].id: 1e5 is not allowed; a door id ${ID_HELP}`,
  ],
  [
    "an unknown profile",
    device("id: ups-a, bus: rs485, profile: »apc, unit: 1"),
    "devices[0].profile: apc is not a known profile; allowed: apc-inrow-sc, apc-smartups-990-9840, dse-genset, eastron-sdm630",
  ],
  [
    "a unit beyond 247",
    device("id: ups-a, bus: rs485, profile: eastron-sdm630, unit: »248"),
    "devices[0].unit: 248 is not allowed; a Modbus unit is a whole number from 1 to 247",
  ],
  [
    "a Modbus device on an I2C bus",
    device("id: ups-a, bus: »i2c-1, profile: eastron-sdm630, unit: 1"),
    "devices[0].bus: i2c-1 is a bus of type i2c; allowed here: modbus-rtu or modbus-tcp (rs485)",
  ],
  [
    "a 1-Wire id of another family",
    device(
      "id: »10-000000000a01, bus: w1, driver: ds18b20, every: 10s, points: { temperature: p.t }",
    ),
    "devices[0].id: 10-000000000a01 is another kind of device; the id of a ds18b20 begins with 28-",
  ],
  [
    "two doors on one line",
    `${BUSES}doors:\n  - { id: door-1, bus: gpio, line: 17 }\n  - { id: door-2, bus: gpio, line: »17 }\n`,
    "doors[1].line: 17 is taken by doors[0].line; give each line of a bus only once",
  ],
  [
    "a point given twice",
    `${BUSES}doors:\n  - { id: door-1, bus: gpio, line: 17 }\ninputs:\n  - { point: »door-1.open, bus: gpio, line: 18 }\n`,
    "inputs[0].point: door-1.open is taken by doors[0].id; give each point only once",
  ],
  [
    "a bus of an unknown type",
    `${FRAME}buses:\n  - { id: x, type: »spi }\n`,
    "buses[0].type: spi is not allowed; a bus type is i2c, i2c-mux, i2c-gpio, i2c-loops, one-wire, gpio, modbus-rtu, modbus-tcp, nut, kernel",
  ],
  [
    "two buses with one id",
    `${FRAME}buses:\n  - { id: w1, type: one-wire }\n  - { id: »w1, type: gpio, chip: auto }\n`,
    "buses[1].id: w1 is taken by buses[0].id; give each bus id only once",
  ],
  [
    "a hub that is no MQTT address",
    FRAME.replace('"mqtt:', '»"http:'),
    'hub.url: "http://127.0.0.1:1883" is not allowed; write mqtts://host:port, or mqtt://host:port for a hub on this machine',
  ],
  [
    "a device id too long for its points",
    device(`id: »${"u".repeat(60)}, bus: rs485, profile: eastron-sdm630, unit: 1`),
    `devices[0].id: ${"u".repeat(60)} is too long; its point ${"u".repeat(60)}.voltage-l1 has 71 characters, 64 are allowed`,
  ],
  [
    "text where an entry belongs",
    `${FRAME}doors:\n  - »door-1\n`,
    "doors[0]: door-1 is not allowed; a door is a block with id, label, bus, line, contact, debounce",
  ],
  [
    "an empty file",
    "»",
    "nothing is not allowed; the file is a block with node, label, hub, spool, buses, devices, doors, inputs, pulses, outputs, alarms",
  ],
  [
    "a key written twice",
    `${FRAME}»node: again\n`,
    "the YAML cannot be read: Map keys must be unique",
  ],
])("refuses %s and says where", (_name, written, problem) => {
  const { text, place } = marked(written);
  expect(problems(text)).toEqual([`edge.yaml:${place} ${problem}`]);
});

test("two devices at one address of a bus, and one unit twice on a line, are refused", () => {
  const text = `${BUSES}devices:
  - { ${SHT}, points: { temperature: p.a } }
  - { ${SHT.replace("top", "other")}, points: { temperature: p.b } }
  - { id: m1, bus: rs485, profile: eastron-sdm630, unit: 1 }
  - { id: m2, bus: rs485, profile: eastron-sdm630, unit: 1 }
`;
  expect(problems(text)).toEqual([
    "edge.yaml:11:54 devices[1].address: 0x44 is taken by devices[0].address; give each address of a bus only once",
    "edge.yaml:13:58 devices[3].unit: 1 is taken by devices[2].unit; give each unit of a bus only once",
  ]);
});

test("a mistake in an entry does not hide the others in it", () => {
  const found = problems(
    device(
      "id: TOP, bus: gone, driver: nope, address: 0x44, every: soon, points: { temperature: p.t }",
    ),
  );
  expect(found.map((text) => text.split(" ")[1])).toEqual([
    "devices[0].id:",
    "devices[0].bus:",
    "devices[0].driver:",
    "devices[0].every:",
  ]);
});

test.each([
  ["sht13", "sht31"],
  ["temprature", "temperature"],
  ["pressure", undefined],
  ["SHT31", "sht31"],
])("for %s a person meant %s", (written, meant) => {
  expect(nearest(written, ["sht31", "tmp117", "temperature", "humidity"])).toBe(meant);
});

test("the schema for editors names every list and refuses unknown settings", () => {
  const schema = z.toJSONSchema(edgeSchema, { io: "input" });
  expect(Object.keys(schema.properties ?? {})).toEqual(
    expect.arrayContaining(["node", "hub", "spool", "buses", "devices", "doors", "inputs"]),
  );
  expect(schema.additionalProperties).toBe(false);
});
