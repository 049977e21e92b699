import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Aggregate } from "../../../hub/history/aggregate.ts";
import type { HistoryStore } from "../../../hub/history/store.ts";
import { good, PLACES, type Place, rawBuckets } from "./places.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 1);

describe.each(PLACES)("rollups and holes in %s", (_, makePlace) => {
  let place: Place;
  let store: HistoryStore;
  let points = 0;
  const freshPoint = () => {
    points += 1;
    return `a03.probe-${points}`;
  };
  const day = (point: string) => ({ point, fromMs: START, toMs: START + 24 * HOUR });

  beforeAll(async () => {
    place = await makePlace();
    store = await place.open();
  }, 60_000);
  afterAll(async () => {
    await store?.close();
    await place?.remove();
  });

  test("counts rows of any quality beside the good ones, for several points at once", async () => {
    const [a, b] = [freshPoint(), freshPoint()];
    await store.write([
      good(a, START, 5),
      { node: "edge-a", reading: { point: a, at: START + 1, quality: "bad", reason: "no-answer" } },
      { node: "edge-a", reading: { point: b, at: START, quality: "bad", reason: "no-answer" } },
    ]);
    const found = await store.aggregate({
      tier: "raw",
      points: [a, b, "c01.never"],
      fromMs: START,
      toMs: START + HOUR,
      stepMs: HOUR,
    });
    expect([...found]).toEqual([
      [a, [{ at: START, low: 5, high: 5, sum: 5, good: 1, rows: 2 }]],
      [b, [{ at: START, low: 0, high: 0, sum: 0, good: 0, rows: 1 }]],
    ]);
  });

  test("a point whose name is a pattern of another's gives only its own rows", async () => {
    const [a, b] = [`${freshPoint()}.x`, `${freshPoint()}.y`];
    const like = a.replace(/\.x$/, "-x");
    await store.write([good(a, START, 1), good(b, START, 2), good(like, START, 3)]);
    const range = { fromMs: START, toMs: START + HOUR, stepMs: HOUR };
    const found = await store.aggregate({ tier: "raw", points: [a], ...range });
    expect([...found.keys()]).toEqual([a]);
  });

  test.each(["5m", "1h"] as const)(
    "%s rollups are kept, put together and overwritten whole",
    async (tier) => {
      const point = freshPoint();
      const stepMs = tier === "5m" ? 300_000 : HOUR;
      const part = (i: number, good: number): Aggregate => ({
        ...{
          at: START + i * stepMs,
          low: good && 3 + i,
          high: good && 10 + i,
          sum: good * (5 + i),
        },
        ...{ good, rows: 6 },
      });
      const ask = () =>
        store.aggregate({
          tier,
          points: [point],
          fromMs: START,
          toMs: START + 4 * stepMs,
          stepMs: 2 * stepMs,
        });
      await store.saveRollups(
        tier,
        [part(0, 2), part(1, 4), part(2, 0)].map((aggregate) => ({ point, aggregate })),
      );
      const first = { at: START, low: 3, high: 11, sum: 34, good: 6, rows: 12 };
      const empty = { at: START + 2 * stepMs, low: 0, high: 0, sum: 0, good: 0, rows: 6 };
      expect((await ask()).get(point)).toEqual([first, empty]);
      await store.saveRollups(tier, [{ point, aggregate: part(1, 0) }]);
      const after = { ...first, high: 10, sum: 10, good: 2 };
      expect((await ask()).get(point)).toEqual([after, empty]);
      expect(await rawBuckets(store, { ...day(point), stepMs: HOUR })).toEqual([]);
    },
  );

  test("finds where nothing was written for longer than asked, at both ends too", async () => {
    const point = freshPoint();
    const at = [10, 20, 30, 60, 70, 100].map((second) => START + second * 1_000);
    await store.write(at.map((time) => good(point, time, 1)));
    const query = { point, fromMs: START, toMs: START + 120_000, longerThanMs: 15_000 };
    const hole = (from: number, to: number) => ({
      from: START + from * 1_000,
      to: START + to * 1_000,
    });
    expect(await store.holes({ ...query, limit: 10 })).toEqual([
      hole(30, 60),
      hole(70, 100),
      hole(100, 120),
    ]);
    expect(await store.holes({ ...query, limit: 1 })).toEqual([hole(30, 60)]);
    expect(await store.holes({ ...query, longerThanMs: 30_000, limit: 10 })).toEqual([]);
    expect(await store.holes({ ...query, point: "b08.never", limit: 10 })).toEqual([hole(0, 120)]);
  });

  // The last: from here on a store that drops by itself refuses what is older.
  test("readings older than 90 days go, younger ones and hourly values stay", async () => {
    const point = freshPoint();
    const now = Date.now();
    const hour = (daysAgo: number) => Math.floor((now - daysAgo * 24 * HOUR) / HOUR) * HOUR;
    for (const daysAgo of [100, 89, 1])
      await store.write([good(point, hour(daysAgo), daysAgo)]).catch((error: unknown) => {
        expect(error).toMatchObject({ kind: "poison" });
      });
    const old = { at: hour(1_000), low: 1, high: 1, sum: 1, good: 1, rows: 1 };
    await store.saveRollups("1h", [{ point, aggregate: old }]);
    await store.dropOld(now, new AbortController().signal);
    const all = { fromMs: now - 120 * 24 * HOUR, toMs: now };
    await expect
      .poll(async () => (await store.totals({ point, ...all })).rows, { timeout: 10_000 })
      .toBe(2);
    const hourly = await store.aggregate({
      tier: "1h",
      points: [point],
      fromMs: hour(1_001),
      toMs: now,
      stepMs: 24 * HOUR,
    });
    expect(hourly.get(point)).toMatchObject([{ sum: 1 }]);
  });
});
