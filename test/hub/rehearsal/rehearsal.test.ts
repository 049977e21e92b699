import { afterEach, expect, test } from "vitest";
import { bad, good, type Measurement } from "../../../contract/reading.ts";
import { AlarmHealthReporter } from "../../../hub/alarm-health/alarm-health.ts";
import { plainDelivery } from "../../../hub/config/delivery-config.ts";
import type { SiteRule } from "../../../hub/config/hub-config.ts";
import { AddressBook } from "../../../hub/delivery/address-book.ts";
import { type Aggregate, floorTo, mergeInto } from "../../../hub/history/aggregate.ts";
import type { AggregateQuery } from "../../../hub/history/store.ts";
import { RehearsalRefused, Rehearsals } from "../../../hub/rehearsal/rehearsals.ts";
import { ruleOfText } from "../../../hub/rehearsal/rule-of-text.ts";
import { INLET, rule, SmallHubs, T0 } from "../alarms/small-hub.ts";
import { silent } from "../http/stand-in.ts";

const DAY = 86_400_000;
const HOT = rule({
  ...{ id: "hot", points: ["*.inlet-*"], onDelayMs: 20_000, offDelayMs: 20_000 },
  condition: { kind: "limit", above: 27, deadband: 0.5 },
});
const hubs = new SmallHubs();
afterEach(() => hubs.stop());

/** A hub that judged these values, one every two seconds, and kept them as a history store would. */
async function lived(live: SiteRule, values: readonly Measurement[]) {
  const hub = hubs.open([live]);
  hub.announce();
  const rows: Aggregate[] = [];
  for (const measured of values) {
    const value = measured.quality === "good" ? measured.value : 0;
    const isGood = measured.quality === "good" ? 1 : 0;
    rows.push({
      at: hub.clock.nowMs(),
      low: value,
      high: value,
      sum: value,
      good: isGood,
      rows: 1,
    });
    hub.read(measured);
    await hub.clock.advance(2_000);
  }
  const asked: AggregateQuery[] = [];
  const aggregate = async (query: AggregateQuery) => {
    asked.push(query);
    const { fromMs, toMs, stepMs } = query;
    const found = rows.filter(({ at }) => at >= fromMs && at < toMs);
    return new Map([
      [
        INLET.id,
        mergeInto(
          stepMs,
          found.map((row) => ({ ...row, at: floorTo(row.at, stepMs) })),
        ),
      ],
    ]);
  };
  const { db, ledger, clock, alarms } = hub;
  const { index, table } = new AlarmHealthReporter({ db, ledger, clock, alarms });
  await index.catchUp();
  const book = new AddressBook(plainDelivery());
  const deps = { rules: [live], live: hub.live, store: { aggregate }, table, book, clock };
  const rehearsals = new Rehearsals({ ...deps, log: silent });
  const play = async (played: SiteRule) => {
    const { rehearsal, done } = rehearsals.start(played, { from: T0, to: clock.nowMs() });
    await done;
    return rehearsal;
  };
  return { play, rehearsals, table, hub, asked };
}

/** Values that wander about the limit, with holes, the same at every run. */
function wandering(count: number): Measurement[] {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  let value = 27;
  return Array.from({ length: count }, () => {
    value += (random() - 0.5) * 0.4 + (27 - value) * 0.01;
    return random() < 0.05 ? bad("no-answer") : good(Math.round(value * 10) / 10);
  });
}

const steady = (value: number, count: number) => Array.from({ length: count }, () => good(value));

test("The unchanged rule, played over the readings themselves, gives exactly the alarms that were raised", async () => {
  const { play, table, hub } = await lived(HOT, wandering(1_200));
  const real = table.ofRule("hot", T0, hub.clock.nowMs(), 99);
  expect(real.length).toBeGreaterThan(3);
  const rehearsal = await play(HOT);
  expect(rehearsal).toMatchObject({ state: "done", percent: 100, resolutionMs: 1_000, points: 1 });
  expect(rehearsal.items).toEqual(
    real.map(({ alarm, title, raisedAt, clearedAt }) => ({
      ...{ alarm, title, raisedAt, clearedAt, found: "both" },
    })),
  );
  expect(rehearsal.before).toEqual(rehearsal.after);
});

test("A limit 5 °C higher would have raised none of the 2 alarms, and told nobody", async () => {
  const values = [
    ...steady(20, 20),
    ...steady(30, 30),
    ...steady(20, 30),
    ...steady(29, 30),
    ...steady(20, 30),
  ];
  const { play } = await lived(HOT, values);
  const high = { ...HOT, condition: { kind: "limit", above: 32, deadband: 0.5 } } as const;
  const rehearsal = await play(high);
  expect(rehearsal.before).toEqual({ alarms: 2, pages: 2 });
  expect(rehearsal.after).toEqual({ alarms: 0, pages: 0 });
  expect(rehearsal.items.map(({ found }) => found)).toEqual(["before-only", "before-only"]);
});

test("A shorter delay finds a breach of 10 s that was not told, at its own time", async () => {
  const { play } = await lived(HOT, [...steady(20, 10), ...steady(30, 5), ...steady(20, 30)]);
  const { items, after } = await play({ ...HOT, onDelayMs: 4_000, receivers: ["duty", "desk"] });
  expect(items).toMatchObject([{ found: "after-only", raisedAt: T0 + 24_000 }]);
  expect(after).toEqual({ alarms: 1, pages: 2 });
});

test("An alarm raised 20 s later by a longer delay is the same event", async () => {
  const { play } = await lived(HOT, [...steady(20, 10), ...steady(30, 40), ...steady(20, 30)]);
  const { items } = await play({ ...HOT, onDelayMs: 40_000 });
  expect(items).toMatchObject([{ found: "both", raisedAt: T0 + 60_000 }]);
});

test("While nothing is measured an alarm neither comes nor goes", async () => {
  const holes = Array.from({ length: 60 }, () => bad("no-answer"));
  const { play } = await lived(HOT, [...steady(30, 20), ...holes, ...steady(20, 20)]);
  const { items } = await play(HOT);
  expect(items).toMatchObject([{ raisedAt: T0 + 20_000, clearedAt: T0 + 180_000, found: "both" }]);
});

test("90 days are asked of the store in pieces of at most 2,000 stretches", async () => {
  const { rehearsals, hub, asked } = await lived(HOT, steady(20, 5));
  const to = hub.clock.nowMs();
  const { done } = rehearsals.start(HOT, { from: to - 2 * DAY, to });
  expect(() => rehearsals.start(HOT, { from: to - DAY, to })).toThrow("Another rehearsal");
  await done;
  expect(asked.length).toBeGreaterThan(80);
  for (const { fromMs, toMs, stepMs } of asked)
    expect(toMs - fromMs).toBeLessThanOrEqual(1_999 * stepMs);
});

test("A store that fails ends the rehearsal with its reason", async () => {
  const { hub, table } = await lived(HOT, steady(20, 5));
  const store = { aggregate: () => Promise.reject(new Error("InfluxDB is away")) };
  const deps = { rules: [HOT], live: hub.live, store, table, clock: hub.clock, log: silent };
  const rehearsals = new Rehearsals({ ...deps, book: new AddressBook(plainDelivery()) });
  const { rehearsal, done } = rehearsals.start(HOT, { from: T0, to: hub.clock.nowMs() });
  await done;
  expect(rehearsal).toMatchObject({ state: "failed", error: "InfluxDB is away" });
});

test.each([
  ["a stale rule", { ...HOT, condition: { kind: "stale" } as const }, 0, "cannot be rehearsed"],
  ["91 days", HOT, 91, "90 days"],
  ["no point", { ...HOT, points: ["z.*"] }, 0, "no point"],
])("Refused: %s", async (_, played, days, words) => {
  const { rehearsals, hub } = await lived(HOT, steady(20, 5));
  const to = hub.clock.nowMs();
  const from = days === 0 ? T0 : to - days * DAY;
  expect(() => rehearsals.start(played, { from, to })).toThrow(RehearsalRefused);
  expect(() => rehearsals.start(played, { from, to })).toThrow(words);
});

test("A rule is read as it stands in site.yaml, and every problem has its line", () => {
  const text = `
- id: hot
  points: ["*.inlet-*"]
  above: 29
  onDelay: 2m
  priority: 2
  title: "{place} hot"
  receivers: [duty]
`;
  const names = new Set(["duty"]);
  expect(ruleOfText(text, names)).toMatchObject({
    rule: { id: "hot", onDelayMs: 120_000, condition: { kind: "limit", above: 29 } },
  });
  const wrong = ruleOfText(text.replace("above: 29", "abvoe: 29"), names);
  expect("problems" in wrong && wrong.problems[0]).toMatch(/^rule:4:\d+ /);
  expect(ruleOfText(text, new Set(["desk"]))).toMatchObject({
    problems: [expect.stringContaining("duty")],
  });
});
