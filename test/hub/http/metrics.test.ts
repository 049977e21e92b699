import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { QUANTITIES, QUANTITY_IDS } from "../../../contract/quantity.ts";
import { bad, uncertain } from "../../../contract/reading.ts";
import { Metrics } from "../../../hub/http/metrics.ts";
import { gaugeName } from "../../../hub/http/point-metrics.ts";
import { Views } from "../../../hub/http/views.ts";
import { type Family, parseExposition } from "./exposition.ts";
import { BIRTH, StandIn } from "./stand-in.ts";

let hub: StandIn;
let metrics: Metrics;
beforeEach(() => {
  hub = new StandIn();
  hub.sources.pointMetrics = true;
  const counters = () => ({ streamClients: 1, streamDropped: 2, refusedRequests: 3 });
  metrics = new Metrics({ sources: hub.sources, views: new Views(hub.sources), counters });
});
afterEach(async () => {
  metrics.close();
  await hub.stop();
});

const page = (): Map<string, Family> => parseExposition(metrics.text());
const samples = (name: string) => page().get(name)?.samples ?? [];
const INLET = { point: "a01.inlet-top", place: "a01", node: "edge-hall" };

test("names follow Prometheus: counters end in _total, gauges do not, units are base units", () => {
  hub.measure(23.4);
  for (const [name, { type, help }] of page()) {
    expect(name.endsWith("_total"), name).toBe(type === "counter");
    expect(name, name).not.toMatch(/_(count|sum|bucket|ms|milliseconds|kb|percent)$/);
    expect(help.length, name).toBeGreaterThan(3);
  }
});

test("a point is a gauge of its quantity with point, place, node and unit", () => {
  hub.measure(23.4);
  expect(samples("plenum_point_temperature")).toEqual([
    { name: "plenum_point_temperature", labels: { ...INLET, unit: "°C" }, value: 23.4 },
  ]);
  expect(samples("plenum_point_quality")).toMatchObject([{ labels: INLET, value: 0 }]);
});

test("a bad value is absent, not zero; quality and age still tell of it", async () => {
  hub.measure(23.4);
  await hub.clock.advance(1_000);
  const point = hub.live.point("a01.inlet-top")!;
  const at = hub.clock.nowMs();
  hub.live.reading(point, { point: point.info.id, at, ...bad("checksum") }, 0);
  await hub.clock.advance(4_000);
  expect(samples("plenum_point_temperature")).toEqual([]);
  expect(samples("plenum_point_quality")).toMatchObject([{ value: 2 }]);
  expect(samples("plenum_point_age_seconds")).toMatchObject([{ value: 4 }]);
});

test("a value in doubt is there with quality 1", () => {
  const point = hub.live.point("a01.inlet-top")!;
  const at = hub.clock.nowMs();
  hub.live.reading(point, { point: point.info.id, at, ...uncertain(99, "frozen") }, 0);
  expect(samples("plenum_point_temperature")).toMatchObject([{ value: 99 }]);
  expect(samples("plenum_point_quality")).toMatchObject([{ value: 1 }]);
});

test("a stale value is absent after 30 s while its age grows on; one never measured is absent", async () => {
  hub.measure(23.4);
  await hub.clock.advance(30_001);
  expect(samples("plenum_point_temperature")).toEqual([]);
  expect(samples("plenum_point_age_seconds")).toMatchObject([{ value: 30.001 }]);
  expect(samples("plenum_point_flag")).toEqual([]);
});

test("without the option there are only the hub's own figures", () => {
  hub.sources.pointMetrics = false;
  hub.measure(23.4);
  expect([...page().keys()].filter((name) => name.startsWith("plenum_point_"))).toEqual([]);
  expect(samples("plenum_points")).toMatchObject([{ value: 2 }]);
});

test("what the hub measures of itself is no point of the room", () => {
  const flag = {
    id: "hub.history-failing",
    quantity: "flag",
    label: "x",
    periodMs: 5_000,
  } as const;
  hub.live.announce({ ...BIRTH, node: "hub", points: [flag], doors: [] });
  hub.measure(1, "hub.history-failing");
  expect(samples("plenum_point_flag")).toEqual([]);
});

test("every quantity has a name of its own that no other metric has", () => {
  const names = QUANTITY_IDS.map(gaugeName);
  expect(new Set(names).size).toBe(Object.keys(QUANTITIES).length);
  for (const name of names) expect(name).toMatch(/^plenum_point_[a-z0-9_]+$/);
  expect(names).not.toContain("plenum_point_quality");
});

test("whatever a label holds, the page can be read and gives the same label back", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary", maxLength: 40 }),
    fc.constantFrom('"', "\\", "\n", '\\"', "\\n", '"} 1\nevil{x="', "a\\\\\nb"),
  );
  fc.assert(
    fc.property(hostile, (kind) => {
      hub.sources.history = { ...hub.sources.history, kind: kind as "sqlite" };
      const [sample] = samples("plenum_store_up");
      expect(sample?.labels).toEqual({ kind });
    }),
    { numRuns: 500 },
  );
});
