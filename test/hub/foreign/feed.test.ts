import fc from "fast-check";
import { expect, test } from "vitest";
import { MAX_WAITING } from "../../../hub/foreign/backlog.ts";
import { MAX_POINTS_PER_ACCOUNT } from "../../../hub/foreign/mapping.ts";
import { FakeClock } from "../../fake-clock.ts";
import { foreignExample } from "./example.ts";
import { FeedRig } from "./feed-rig.ts";

const NOW = Date.UTC(2026, 0, 15, 12, 0, 0);
const accounts = foreignExample().foreign ?? [];
const rigNow = () => new FeedRig(accounts, new FakeClock(NOW));
const POWER = "shellies/shellyplug-s-4A3F21/relay/0/power";

test("an account's devices are one node with their points, online from the start", () => {
  const node = rigNow().live.node("shelly-plug");
  expect(node).toMatchObject({ online: true, birth: { label: "Shelly plug" } });
  expect(node?.birth.points.map(({ id }) => id)).toEqual([
    ...["a01.power", "a01.energy", "a01.switched-on"],
  ]);
});

test("a device that falls silent is stale after three periods of 30 s, and its node offline", async () => {
  const rig = rigNow();
  rig.say("shelly-plug", POWER, "45");
  const point = rig.live.point("a01.power")!;
  await rig.clock.advance(90_000);
  rig.feed("shelly-plug").tick();
  expect(rig.live.isStale(point, rig.clock.nowMs())).toBe(false);
  expect(rig.live.node("shelly-plug")?.online).toBe(true);
  await rig.clock.advance(1);
  rig.feed("shelly-plug").tick();
  expect(rig.live.isStale(point, rig.clock.nowMs())).toBe(true);
  expect(rig.live.node("shelly-plug")?.online).toBe(false);
  rig.say("shelly-plug", POWER, "46");
  expect(rig.live.node("shelly-plug")?.online).toBe(true);
});

test("two messages in one millisecond are two readings, the later one shown", () => {
  const rig = rigNow();
  rig.say("shelly-plug", POWER, "45");
  rig.say("shelly-plug", POWER, "46");
  expect(rig.stored.map(({ at }) => at)).toEqual([NOW, NOW + 1]);
  expect(rig.reading("a01.power")).toMatchObject({ value: 46 });
});

test("when the hub's clock is set back an hour, the next reading is shown and has the right time", () => {
  const rig = rigNow();
  rig.say("shelly-plug", POWER, "45");
  rig.clock.stepWall(-3_600_000);
  rig.say("shelly-plug", POWER, "46");
  expect(rig.reading("a01.power")).toMatchObject({ value: 46, at: NOW - 3_600_000 });
});

test.each<[unknown, string]>([
  ["2026-01-15T14:02:00+02:00", "more than a minute ahead"],
  ["2026-01-13T12:00:00Z", "more than a day ago"],
  ["2026-01-15T12:00:00", "without a zone"],
  ["2026-13-45T12:00:00Z", "no date"],
  [{ year: 2026 }, "no time at all"],
])("a reading whose own time is %j (%s) is refused", (last_seen) => {
  const rig = rigNow();
  rig.say("zigbee", "zigbee2mqtt/a02-rear", { temperature: 24, last_seen });
  expect(rig.stored).toEqual([]);
  expect(rig.refused("zigbee")).toBe(1);
});

test.each([
  ["1970-01-01T00:02:11Z", NOW],
  [131, NOW],
  [null, NOW],
  ["2026-01-15T12:00:30Z", NOW],
  ["2026-01-15T11:00:00Z", NOW - 3_600_000],
  [NOW - 5_000, NOW - 5_000],
])("a reading whose own time is %j is stamped %d", (last_seen, at) => {
  const rig = rigNow();
  rig.say("zigbee", "zigbee2mqtt/a02-rear", { temperature: 24, last_seen });
  expect(rig.stored).toMatchObject([{ at }]);
});

test("a reading an hour old is shown with its age, and a repetition of it is no second one", () => {
  const rig = rigNow();
  const message = { temperature: 24, last_seen: "2026-01-15T11:00:00Z" };
  rig.say("zigbee", "zigbee2mqtt/a02-rear", message);
  rig.say("zigbee", "zigbee2mqtt/a02-rear", message);
  const point = rig.live.point("a02-rear.temp")!;
  expect(rig.live.ageMs(point, NOW)).toBe(3_600_000);
  expect(rig.stored).toHaveLength(1);
});

test("points made of a family of topics are known again after a restart, and stale until they speak", () => {
  const rig = rigNow();
  rig.say("zigbee", "zigbee2mqtt/a02-rear", { temperature: 24 });
  const again = new FeedRig(accounts, rig.clock, rig.db);
  const point = again.live.point("a02-rear.temp");
  expect(point?.info.label).toBe("a02-rear temperature");
  expect(again.live.isStale(point!, NOW)).toBe(true);
  again.say("zigbee", "zigbee2mqtt/a02-rear", { temperature: 25 });
  expect(again.reading("a02-rear.temp")).toMatchObject({ value: 25 });
});

test("a point that is no longer mapped is gone after a restart", () => {
  const rig = rigNow();
  const fewer = accounts.map((account) => ({
    ...account,
    mappings: account.mappings.filter(({ point }) => point !== "a01.energy"),
  }));
  const again = new FeedRig(fewer, rig.clock, rig.db);
  expect(again.live.point("a01.energy")).toBeUndefined();
  expect(again.live.point("a01.power")).toBeDefined();
});

test("a name that is not allowed is refused, and so is another topic that would give the same name", () => {
  const rig = rigNow();
  rig.say("zigbee", "zigbee2mqtt/Küche", { temperature: 24 });
  rig.say("zigbee", "zigbee2mqtt/a b\n", { temperature: 24 });
  expect(rig.refused("zigbee")).toBe(2);
  rig.say("zigbee", "zigbee2mqtt/Rear", { temperature: 24 });
  rig.say("zigbee", "zigbee2mqtt/rear", { temperature: 99 });
  expect(rig.reading("rear.temp")).toMatchObject({ value: 24 });
  expect(rig.refused("zigbee")).toBe(3);
});

test("an account cannot speak for another's point", () => {
  const rig = rigNow();
  rig.say("tasmota", "tele/a01/SENSOR", { ENERGY: { Power: 5 } });
  expect(rig.live.point("a01.load")?.node).toBe("tasmota");
  const thief = { ...accounts[0]!, id: "thief" };
  const both = new FeedRig([accounts[0]!, thief], rig.clock);
  both.say("zigbee", "zigbee2mqtt/x", { temperature: 20 });
  both.say("thief", "zigbee2mqtt/x", { temperature: 99 });
  expect(both.reading("x.temp")).toMatchObject({ value: 20 });
  expect(both.refused("thief")).toBeGreaterThan(0);
});

test("at most 1,000 points are made for one account; the others are refused", async () => {
  const rig = rigNow();
  for (let i = 0; i < MAX_POINTS_PER_ACCOUNT + 50; i += 1) {
    if (i % 900 === 0) await rig.clock.advance(10_000);
    rig.say("tasmota", `tele/plug${i}/SENSOR`, { ENERGY: { Power: i } });
  }
  expect(rig.live.node("tasmota")?.birth.points).toHaveLength(MAX_POINTS_PER_ACCOUNT);
  expect(rig.refused("tasmota")).toBe(52);
});

test("of 5,000 messages at once 1,000 are taken; a second later 200 more", async () => {
  const rig = rigNow();
  const flood = (count: number) => {
    for (let i = 0; i < count; i += 1) rig.say("shelly-plug", POWER, String(i));
  };
  flood(5_000);
  expect(rig.stored).toHaveLength(1_000);
  expect(rig.refused("shelly-plug")).toBe(4_000);
  await rig.clock.advance(1_000);
  flood(5_000);
  expect(rig.stored).toHaveLength(1_200);
});

test("while the store is away readings wait, at most 20,000; what the wall shows goes on", async () => {
  const rig = rigNow();
  rig.full = true;
  for (let i = 0; i < MAX_WAITING + 1_000; i += 1) {
    if (i % 200 === 0) await rig.clock.advance(1_000);
    rig.feed("shelly-plug").take(POWER, Buffer.from(String(i)));
  }
  expect(rig.reading("a01.power")).toMatchObject({ value: MAX_WAITING + 999 });
  rig.full = false;
  rig.feed("shelly-plug").tick();
  expect(rig.stored).toHaveLength(MAX_WAITING - 1_000);
  expect(rig.stored.at(-1)).toMatchObject({ value: MAX_WAITING + 999 });
});

test("whatever a device sends, nothing throws, and no reading is without a finite value or a reason", () => {
  const topics = accounts.flatMap(({ id, mappings }) =>
    mappings.map(({ topic }) => [id, topic.replace("+", "x1")] as const),
  );
  const payload = fc.oneof(
    fc.json(),
    fc.string(),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    fc.record({ temperature: fc.jsonValue(), last_seen: fc.jsonValue(), ENERGY: fc.jsonValue() }),
    fc.constantFrom('{"__proto__":{"temperature":5}}', '{"temperature":1e400}', "[".repeat(5_000)),
  );
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...topics), payload), { maxLength: 20 }),
      (all) => {
        const rig = rigNow();
        for (const [[account, topic], text] of all) rig.say(account, topic, text);
        for (const reading of rig.stored) {
          if (reading.quality === "bad") expect("value" in reading).toBe(false);
          else expect(Number.isFinite(reading.value)).toBe(true);
          expect(Number.isSafeInteger(reading.at)).toBe(true);
        }
      },
    ),
    { numRuns: 300 },
  );
});
