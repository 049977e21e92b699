import fc from "fast-check";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { PointInfo } from "../../../contract/message.ts";
import { QUANTITY_IDS } from "../../../contract/quantity.ts";
import { bad, good, uncertain } from "../../../contract/reading.ts";
import { HomeAssistant, ROUND_MS } from "../../../hub/home-assistant/discovery.ts";
import { entityOf, objectId, stateOf } from "../../../hub/home-assistant/entity.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { type HubDb, openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";

const log = pino({ level: "silent" });
const site = { id: "demo", label: "Demo" };
const INLET: PointInfo = {
  id: "a01.inlet",
  quantity: "temperature",
  label: "A01 inlet",
  periodMs: 1_000,
};
const LEAK: PointInfo = { id: "leak.wet", quantity: "flag", label: "Leak", periodMs: 1_000 };
const MODE: PointInfo = {
  ...{ id: "ups.mode", quantity: "state", label: "UPS mode", periodMs: 1_000 },
  states: { "1": "on line", "2": "on battery" },
};
const CONFIG = "homeassistant/sensor/plenum_demo/a01_dinlet/config";
const STATE = "homeassistant/sensor/plenum_demo/a01_dinlet/state";

let clock: FakeClock;
let db: HubDb;
let live: LiveState;
let sent: [topic: string, payload: string][];
let stop: () => Promise<void>;
let assistant: HomeAssistant;

beforeEach(() => {
  clock = new FakeClock();
  db = openHubDb(":memory:");
  live = new LiveState({ clock, log, known: openKnownNodes(db, log) });
  sent = [];
  stop = async () => {};
});
afterEach(async () => {
  await stop();
  db.close();
});

async function start(config: { prefix: string; points: string[] } | null): Promise<void> {
  const publish = (topic: string, payload: string, { retain }: { retain: boolean }) => {
    expect(retain).toBe(true);
    sent.push([topic, payload]);
  };
  assistant = new HomeAssistant({ config, site, live, db, publish, clock, log });
  const abort = new AbortController();
  const running = assistant.run(abort.signal);
  await clock.advance(0);
  stop = async () => {
    abort.abort();
    await running;
  };
}
const on = { prefix: "homeassistant", points: ["*"] };

function announce(points: PointInfo[], node = "edge-a"): void {
  live.announce({
    ...{ v: 1, node, label: "Hall", software: "x", bootId: "b", epoch: "e", at: 0 },
    ...{ points, doors: [] },
  });
}

function measure(id: string, measurement: ReturnType<typeof good>): void {
  live.reading(live.point(id)!, { point: id, at: clock.nowMs(), ...measurement }, 0);
}
const states = () => sent.filter(([topic]) => topic.endsWith("/state")).map(([, text]) => text);
const lastState = () => JSON.parse(states().at(-1) ?? "null") as unknown;

test("a temperature is announced as Home Assistant's discovery wants it", async () => {
  announce([INLET]);
  await start(on);
  const [topic, text] = sent[0]!;
  expect(topic).toBe(CONFIG);
  expect(JSON.parse(text)).toMatchObject({
    name: "A01 inlet",
    unique_id: "plenum_demo_a01.inlet",
    state_topic: STATE,
    value_template: "{{ value_json.value }}",
    availability_mode: "all",
    availability: [
      { topic: "plenum/v1/hub/status", value_template: "{{ value_json.state }}" },
      { topic: STATE, value_template: "{{ value_json.available }}" },
    ],
    device_class: "temperature",
    state_class: "measurement",
    unit_of_measurement: "°C",
    device: { identifiers: ["plenum_demo_edge-a"], name: "Demo Hall" },
    origin: { name: "Plenum" },
  });
});

test("a contact is a binary sensor with 1 and 0, a state an enumeration of its words", () => {
  const context = { prefix: "ha", site, node: { id: "edge-a", label: "Hall" } };
  expect(entityOf(LEAK, context)).toMatchObject({
    configTopic: "ha/binary_sensor/plenum_demo/leak_dwet/config",
    config: { payload_on: "1", payload_off: "0" },
  });
  expect(entityOf(MODE, context).config).toMatchObject({
    ...{ device_class: "enum", options: ["on line", "on battery"] },
  });
  expect(entityOf(MODE, context).config).not.toHaveProperty("state_class");
});

test("every quantity makes a topic and keys of the letters Home Assistant allows", () => {
  for (const quantity of QUANTITY_IDS) {
    const context = { prefix: "ha", site, node: { id: "n", label: "N" } };
    const { configTopic, config } = entityOf({ ...INLET, quantity }, context);
    expect(configTopic).toMatch(/^ha\/(binary_)?sensor\/[A-Za-z0-9_-]+\/[A-Za-z0-9_-]+\/config$/);
    expect(config.unit_of_measurement).not.toBe("");
    if (config.state_class === "total_increasing") expect(quantity).toBe("energy");
  }
});

test("a value is published once it changes, at most every 5 s, and is unavailable rather than 0", async () => {
  announce([INLET]);
  await start(on);
  expect(lastState()).toMatchObject({ available: "offline", value: null, quality: "never" });
  measure("a01.inlet", good(23.4));
  measure("a01.inlet", good(23.4));
  await clock.advance(ROUND_MS);
  expect(lastState()).toMatchObject({ available: "online", value: 23.4, quality: "good" });
  const count = states().length;
  await clock.advance(2 * ROUND_MS);
  expect(states()).toHaveLength(count);
  measure("a01.inlet", bad("checksum"));
  await clock.advance(ROUND_MS);
  expect(lastState()).toMatchObject({ available: "offline", value: null, reason: "checksum" });
});

test("a value that grows stale becomes unavailable without a new message, within 30 s and a round", async () => {
  announce([INLET]);
  await start(on);
  measure("a01.inlet", good(23.4));
  await clock.advance(29_000);
  expect(lastState()).toMatchObject({ available: "online" });
  await clock.advance(6_001);
  expect(lastState()).toMatchObject({ available: "offline", value: null, quality: "stale" });
});

test("a doubtful value is shown with its reason; a code without a word is unavailable", () => {
  const at = { point: "x", at: 0 };
  expect(JSON.parse(stateOf(INLET, { ...at, ...uncertain(99, "frozen") }, false))).toMatchObject({
    ...{ available: "online", value: 99, quality: "uncertain", reason: "frozen" },
  });
  expect(JSON.parse(stateOf(MODE, { ...at, ...good(2) }, false))).toMatchObject({
    value: "on battery",
  });
  expect(JSON.parse(stateOf(MODE, { ...at, ...good(7) }, false))).toMatchObject({
    ...{ available: "offline", value: null },
  });
});

test("a point that goes is taken back with an empty retained configuration and state", async () => {
  announce([INLET, LEAK]);
  await start(on);
  sent = [];
  announce([LEAK]);
  expect(sent).toEqual([
    [CONFIG, ""],
    [STATE, ""],
  ]);
});

test("a point announced later, or under a new label, is told within a round, the others not again", async () => {
  announce([LEAK]);
  await start(on);
  sent = [];
  announce([LEAK, INLET]);
  await clock.advance(ROUND_MS);
  expect(sent.map(([topic]) => topic)).toEqual([CONFIG, STATE]);
  sent = [];
  announce([LEAK, { ...INLET, label: "A01 front" }]);
  await clock.advance(ROUND_MS);
  expect(sent.map(([topic]) => topic)).toEqual([CONFIG]);
});

test("only points that fit the patterns are told, and none of the hub's own", async () => {
  announce([INLET, LEAK]);
  announce([{ ...INLET, id: "hub.history-failing" }], "hub");
  await start({ prefix: "homeassistant", points: ["*.inlet", "hub.*"] });
  const configs = sent.filter(([topic]) => topic.endsWith("/config"));
  expect(configs.map(([topic]) => topic)).toEqual([CONFIG]);
});

test("after the option is turned off, everything is taken back, and again from a reader that comes later", async () => {
  announce([INLET]);
  await start(on);
  await stop();
  sent = [];
  await start(null);
  expect(sent).toEqual([
    [CONFIG, ""],
    [STATE, ""],
  ]);
  expect(assistant.prefixes()).toEqual(["homeassistant"]);
  sent = [];
  assistant.onReader();
  expect(sent).toEqual([[CONFIG, ""]]);
  clock.stepWall(31 * 24 * 3_600_000);
  sent = [];
  assistant.onReader();
  expect(sent).toEqual([]);
});

test("turned on again, nothing is taken back any more", async () => {
  announce([INLET]);
  await start(on);
  await stop();
  await start(null);
  await stop();
  await start(on);
  sent = [];
  assistant.onReader();
  expect(sent).toEqual([]);
});

test("no two names share an object id", () => {
  const id = fc.stringMatching(/^[a-z0-9][a-z0-9_.-]{0,12}$/);
  fc.assert(
    fc.property(id, id, (a, b) => {
      expect(objectId(a)).toMatch(/^[A-Za-z0-9_-]+$/);
      expect(objectId(a) === objectId(b)).toBe(a === b);
    }),
    { numRuns: 2_000 },
  );
});

test("a label is text and never gets into a template or a topic", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 60 }), (label) => {
      const context = { prefix: "ha", site: { id: "s", label }, node: { id: "n", label } };
      const hostile = entityOf({ ...INLET, label }, context);
      const plain = entityOf(INLET, { ...context, site, node: { id: "n", label: "N" } });
      expect(hostile.config.name).toBe(label);
      for (const [key, value] of Object.entries(hostile.config))
        if (key.endsWith("_template"))
          expect(JSON.stringify(value)).toBe(JSON.stringify(plain.config[key]));
    }),
  );
});
