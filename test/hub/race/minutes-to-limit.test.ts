import fc from "fast-check";
import { expect, test } from "vitest";
import { forecast, minutesOf, UNKNOWN_ROOM } from "../../../hub/race/minutes-to-limit.ts";
import { bendFrom, LEAST_SEEN, RoomBends } from "../../../hub/race/room-bend.ts";
import { type Sample, slopeCPerMin } from "../../../hub/race/slope.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";

const NOW = 1_000_000_000;
/** A reading every 2 s for 2 min, the last one now. */
const readings = (valueC: (minute: number) => number): Sample[] =>
  Array.from({ length: 60 }, (_, i) => {
    const at = NOW - (59 - i) * 2_000;
    return { at, valueC: valueC((at - NOW) / 60_000) };
  });
const ask = (samples: Sample[], limitC = 32) =>
  forecast(samples, { limitC, bend: UNKNOWN_ROOM, now: NOW });

test("24 °C rising 2 °C a minute reaches 32 °C in 4 min, with a band around it", () => {
  const found = ask(readings((minute) => 24 + 2 * minute));
  expect(found.kind).toBe("rising");
  if (found.kind !== "rising") return;
  expect(found.minutes).toBeCloseTo(4, 1);
  expect(found.earliest).toBeLessThan(3.5);
  // 8 °C at 2 °C a minute in a room that may flatten by half a minute: it may never come.
  expect(found.latest).toBeNull();
});

test("31 °C rising 2 °C a minute reaches 32 °C in 30 s, in 1 min at the latest", () => {
  const found = ask(readings((minute) => 31 + 2 * minute));
  if (found.kind !== "rising") throw new Error(found.kind);
  expect(found.minutes).toBeCloseTo(0.5, 1);
  expect(found.latest).toBeLessThan(1);
});

test.each<[string, Sample[], string]>([
  [
    "five readings",
    readings((minute) => 24 + minute).slice(-5),
    "not known: too few readings of late",
  ],
  ["no reading", [], "not known: too few readings of late"],
  [
    "readings of half a minute",
    readings((minute) => 24 + minute).slice(-15),
    "not known: too few readings of late",
  ],
  ["a steady 24 °C", readings(() => 24), "not rising"],
  ["a falling inlet", readings((minute) => 30 - minute), "not rising"],
])("%s gives no number", (_name, samples, why) => {
  expect(ask(samples)).toEqual({ kind: "none", why });
});

test("readings that ended 3 min ago give no number", () => {
  const old = readings((minute) => 24 + minute).map(({ at, valueC }) => ({
    at: at - 180_000,
    valueC,
  }));
  expect(ask(old)).toEqual({ kind: "none", why: "not known: too few readings of late" });
});

test("an inlet above its limit has crossed it", () => {
  expect(ask(readings(() => 33))).toEqual({ kind: "crossed" });
});

test("the forecast lies in its band, for every rise", () => {
  const rise = fc.record({
    slope: fc.double({ min: 0.06, max: 10, noNaN: true }),
    startC: fc.double({ min: 10, max: 31, noNaN: true }),
    curve: fc.double({ min: -0.5, max: 0.5, noNaN: true }),
  });
  fc.assert(
    fc.property(rise, ({ slope, startC, curve }) => {
      const found = ask(readings((t) => startC + slope * t + curve * slope * t * t));
      if (found.kind !== "rising") return;
      expect(found.earliest).toBeGreaterThanOrEqual(0);
      expect(found.earliest).toBeLessThanOrEqual(found.minutes);
      if (found.latest !== null) expect(found.latest).toBeGreaterThan(found.minutes);
    }),
  );
});

test("a steeper rise or a lower limit never comes later", () => {
  const positive = (max: number) => fc.double({ min: 0.1, max, noNaN: true });
  const bend = fc.double({ min: -0.5, max: 0.5, noNaN: true });
  fc.assert(
    fc.property(positive(20), positive(10), bend, (gapC, slope, bent) => {
      const now = minutesOf(gapC, slope, bent) ?? Infinity;
      expect(minutesOf(gapC, slope * 1.5, bent) ?? Infinity).toBeLessThanOrEqual(now);
      expect(minutesOf(gapC / 2, slope, bent) ?? Infinity).toBeLessThanOrEqual(now);
    }),
  );
});

test("one wild reading among 60 does not move the slope of 1 °C a minute by 0.1", () => {
  const samples = readings((minute) => 24 + minute);
  samples[31] = { ...samples[31]!, valueC: 80 };
  expect(slopeCPerMin(samples)).toBeCloseTo(1, 1);
});

test(`a room's own constant counts from ${LEAST_SEEN} rises on, and only the newest 500 of them`, () => {
  expect(bendFrom(Array<number>(LEAST_SEEN - 1).fill(0.3))).toEqual(UNKNOWN_ROOM);
  expect(bendFrom(Array<number>(LEAST_SEEN).fill(0.3))).toEqual({
    low: -0.05,
    usual: 0.3,
    high: 0.3,
  });
  const bends = new RoomBends(openHubDb(":memory:"));
  for (let i = 0; i < 100; i += 1) bends.learn("hall-a", i, 0.9);
  for (let i = 0; i < 500; i += 1) bends.learn("hall-a", i, 0.1);
  expect(bends.of("hall-a").high).toBeCloseTo(0.1);
  expect(bends.of("hall-b")).toEqual(UNKNOWN_ROOM);
});
