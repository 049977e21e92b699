import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Reading } from "../../../contract/reading.ts";
import type { HistoryStore } from "../../../hub/history/store.ts";
import { good, PLACES, type Place, rawBuckets } from "./places.ts";

const HOUR = 3_600_000;
const START = Date.UTC(2026, 2, 1);

describe.each(PLACES)("history in %s", (_, makePlace) => {
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

  test("gives min, max, mean and count of a minute's values, and leaves empty minutes out", async () => {
    const point = freshPoint();
    await store.write([
      good(point, START + 1_000, 20),
      good(point, START + 31_000, 22.5),
      good(point, START + 59_999, 26),
      good(point, START + 180_000, -4),
    ]);
    const items = await rawBuckets(store, { ...day(point), toMs: START + HOUR, stepMs: 60_000 });
    expect(items).toEqual([
      { at: START, min: 20, max: 26, mean: 68.5 / 3, count: 3 },
      { at: START + 180_000, min: -4, max: -4, mean: -4, count: 1 },
    ]);
  });

  test("counts `from` in and `to` out, with buckets at whole multiples of the step", async () => {
    const point = freshPoint();
    const at = [START + 29_999, START + 30_000, START + 89_999, START + 90_000];
    await store.write(at.map((time, i) => good(point, time, i)));
    const range = { point, fromMs: START + 30_000, toMs: START + 90_000 };
    expect(await rawBuckets(store, { ...range, stepMs: 60_000 })).toEqual([
      { at: START, min: 1, max: 1, mean: 1, count: 1 },
      { at: START + 60_000, min: 2, max: 2, mean: 2, count: 1 },
    ]);
    expect(await store.totals(range)).toEqual({
      rows: 2,
      good: 2,
      sum: 3,
      firstAt: START + 30_000,
      lastAt: START + 89_999,
    });
  });

  test("keeps bad and uncertain readings, but averages only good values", async () => {
    const point = freshPoint();
    const at = START + 5_000;
    await store.write([
      good(point, at, 21),
      { node: "edge-a", reading: { point, at: at + 1, quality: "bad", reason: "no-answer" } },
      {
        node: "edge-a",
        reading: { point, at: at + 2, quality: "uncertain", value: 900, reason: "implausible" },
      },
    ]);
    expect(await rawBuckets(store, { ...day(point), stepMs: HOUR })).toEqual([
      { at: START, min: 21, max: 21, mean: 21, count: 1 },
    ]);
    expect(await store.totals(day(point))).toEqual({
      rows: 3,
      good: 1,
      sum: 21,
      firstAt: at,
      lastAt: at + 2,
    });
  });

  test("stores the same point and time once; the later write wins", async () => {
    const point = freshPoint();
    const at = START + 7_000;
    const before: Reading = { point, at, quality: "good", value: 99 };
    await store.write([{ node: "edge-a", reading: before }]);
    await store.write([good(point, at, 24.25)]);
    await store.write([good(point, at, 24.25), good(point, at, 24.25)]);
    expect(await store.totals(day(point))).toMatchObject({ rows: 1, good: 1, sum: 24.25 });
    await store.write([
      { node: "edge-a", reading: { point, at, quality: "bad", reason: "checksum" } },
    ]);
    expect(await store.totals(day(point))).toMatchObject({ rows: 1, good: 0, sum: 0 });
    expect(await rawBuckets(store, { ...day(point), stepMs: HOUR })).toEqual([]);
  });

  test("an unknown point, and a range without readings, give nothing", async () => {
    const none = { rows: 0, good: 0, sum: 0, firstAt: null, lastAt: null };
    expect(await store.totals(day("b08.never"))).toEqual(none);
    expect(await rawBuckets(store, { ...day("b08.never"), stepMs: HOUR })).toEqual([]);
  });

  test("an empty write is done at once", async () => {
    await expect(store.write([])).resolves.toBeUndefined();
  });

  test("2,000 buckets are allowed; 2,001, a step under 1 s and a backward range are refused", async () => {
    const point = freshPoint();
    const ask = (toMs: number, stepMs: number) =>
      rawBuckets(store, { point, fromMs: START, toMs, stepMs });
    expect(await ask(START + 2_000_000, 1_000)).toEqual([]);
    await expect(ask(START + 2_000_001, 1_000)).rejects.toThrow(/2001 buckets.*at most 2000/);
    await expect(ask(START + 10_000, 999)).rejects.toThrow(RangeError);
    await expect(ask(START, 1_000)).rejects.toThrow(RangeError);
  });

  test("a step over 2^31 ms works", async () => {
    const point = freshPoint();
    const stepMs = 3_000_000_000;
    await store.write([good(point, START, 1), good(point, START + 24 * HOUR - 1, 3)]);
    const at = Math.floor(START / stepMs) * stepMs;
    expect(await rawBuckets(store, { ...day(point), stepMs })).toEqual([
      { at, min: 1, max: 3, mean: 2, count: 2 },
    ]);
  });

  test("keeps every bit of a value, from 5e-324 to 1.8e308", async () => {
    const values = [5e-324, 1.7976931348623157e308, -1e21, 0.1 + 0.2, 1e-7, 2 ** 53 + 2, -0];
    for (const value of values) {
      const point = freshPoint();
      await store.write([good(point, START, value)]);
      expect((await store.totals(day(point))).sum).toBe(value + 0);
    }
  });

  test("what was written is there after the store is opened again", async () => {
    const point = freshPoint();
    await store.write([good(point, START, 18), good(point, START + 1, 19)]);
    await store.close();
    store = await place.open();
    await store.write([good(point, START + 2, 20)]);
    expect(await store.totals(day(point))).toMatchObject({ rows: 3, sum: 57 });
  });

  test("5,000 rows of 50 points in one write are all there", async () => {
    const names = Array.from({ length: 50 }, freshPoint);
    const rows = names.flatMap((point) =>
      Array.from({ length: 100 }, (_, i) => good(point, START + i * 1_000, i)),
    );
    await store.write(rows);
    for (const point of names)
      expect(await store.totals(day(point))).toMatchObject({ rows: 100, sum: 4_950 });
  });

  test("any mix of readings, written in any batches and again, gives the totals of the last of each", async () => {
    const anyReading = fc.record({
      at: fc.integer({ min: 0, max: 50 }).map((seconds) => START + seconds * 1_000),
      value: fc.integer({ min: -1_000, max: 1_000 }),
      quality: fc.constantFrom("good", "uncertain", "bad"),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(anyReading, { maxLength: 20 }), { maxLength: 6 }),
        async (batches) => {
          const point = freshPoint();
          const last = new Map<number, { quality: string; value: number }>();
          for (const batch of batches) {
            for (const { at, ...rest } of batch) last.set(at, rest);
            await store.write(
              batch.map((row) => ({ node: "edge-a", reading: toReading(point, row) })),
            );
          }
          const sound = [...last.values()].filter(({ quality }) => quality === "good");
          const found = await store.totals(day(point));
          expect(found.rows).toBe(last.size);
          expect(found.good).toBe(sound.length);
          expect(found.sum).toBe(sound.reduce((sum, { value }) => sum + value, 0));
        },
      ),
      { numRuns: 25 },
    );
  });
});

function toReading(
  point: string,
  { at, value, quality }: { at: number; value: number; quality: string },
): Reading {
  if (quality === "good") return { point, at, quality, value };
  if (quality === "bad") return { point, at, quality, reason: "no-answer" };
  return { point, at, quality: "uncertain", value, reason: "frozen" };
}
