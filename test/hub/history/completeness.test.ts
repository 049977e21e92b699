import fc from "fast-check";
import { pino } from "pino";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { PointInfo } from "../../../contract/message.ts";
import { judgeCounts, percentOf } from "../../../hub/history/completeness.ts";
import { CompletenessReporter } from "../../../hub/history/completeness-report.ts";
import { Coverage } from "../../../hub/history/coverage.ts";
import { markingWrites } from "../../../hub/history/marking-store.ts";
import { rollUpSome } from "../../../hub/history/rollup-job.ts";
import type { HistoryStore } from "../../../hub/history/store.ts";
import { createLedger, type Ledger } from "../../../hub/ledger/ledger.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { FakeClock } from "../../fake-clock.ts";
import { PLACES, type Place } from "./places.ts";

const log = pino({ level: "silent" });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const T0 = Date.UTC(2026, 5, 1);

describe("counts", () => {
  const judge = (rows: number[], extra: { periodMs?: number; from?: number; to?: number } = {}) =>
    judgeCounts({
      periodMs: extra.periodMs ?? 10_000,
      range: { from: extra.from ?? 0, to: extra.to ?? rows.length * 60_000 },
      counts: rows.flatMap((count, i) =>
        count === 0 ? [] : [{ at: i * 60_000, low: 0, high: 0, sum: 0, good: 0, rows: count }],
      ),
      stepMs: 60_000,
    });

  test.each<[string, number[], [number, number][]]>([
    ["nothing missing", [6, 6, 6], []],
    ["one reading more or less at an edge", [6, 5, 7], []],
    ["two readings missing in a minute", [6, 4, 6], [[1, 2]]],
    ["two empty minutes in a row are one stretch", [6, 0, 0, 6], [[1, 3]]],
    ["everything missing", [0, 0], [[0, 2]]],
  ])("%s", (_, rows, suspect) => {
    const stretches = suspect.map(([from, to]) => ({ from: from * 60_000, to: to * 60_000 }));
    expect(judge(rows).suspect).toEqual(stretches);
    expect(judge(rows).expected).toBe(rows.length * 6);
  });

  test("a period of 5 min in buckets of 1 min is judged over 20 min", () => {
    const rows = Array.from({ length: 60 }, (_, i) => (i % 5 === 0 ? 1 : 0));
    expect(judge(rows, { periodMs: 300_000 })).toEqual({ expected: 12, stored: 12, suspect: [] });
    const hole = rows.map((count, i) => (i >= 20 && i < 40 ? 0 : count));
    expect(judge(hole, { periodMs: 300_000 }).suspect).toEqual([
      { from: 1_200_000, to: 2_400_000 },
    ]);
  });

  test("nothing is expected outside the range", () => {
    expect(judge([0, 6, 0], { from: 60_000, to: 120_000 })).toEqual({
      expected: 6,
      stored: 6,
      suspect: [],
    });
    expect(judge([6], { from: 60_000, to: 60_000 })).toMatchObject({ expected: 0, suspect: [] });
  });

  test("100 percent only when nothing is missing", () => {
    expect(percentOf(8_639, 8_640, true)).toBe(100);
    expect(percentOf(8_640, 8_640, false)).toBe(99.99);
    expect(percentOf(9_999_999, 10_000_000, false)).toBe(99.99);
    expect(percentOf(900, 1_000, false)).toBe(90);
    expect(percentOf(0, 0, true)).toBe(100);
    expect(percentOf(2_000, 1_000, true)).toBe(100);
  });
});

describe.each(PLACES)("a report from %s", (_, makePlace) => {
  let place: Place;
  let store: HistoryStore;
  let clock: FakeClock;
  let coverage: Coverage;
  let ledger: Ledger;
  let reporter: CompletenessReporter;
  let points = 0;
  let info: PointInfo;

  beforeAll(async () => {
    place = await makePlace();
    store = await place.open();
  });
  afterAll(async () => {
    await store.close();
    await place.remove();
  });
  beforeEach(() => {
    clock = new FakeClock(T0);
    const db = openHubDb(":memory:");
    coverage = new Coverage(db);
    ledger = createLedger({ db, clock });
    reporter = new CompletenessReporter({ store, coverage, ledger, clock });
    points += 1;
    info = { id: `a${points}.t`, quantity: "temperature", label: "A", periodMs: 10_000 };
  });

  /** Stores a reading every ten seconds but where `lost` says otherwise. */
  async function fill(range: { from: number; to: number }, lost: (at: number) => boolean) {
    const rows = [];
    for (let at = range.from; at < range.to; at += info.periodMs)
      if (!lost(at))
        rows.push({
          node: "edge-a",
          reading: { point: info.id, at, quality: "good", value: 1 } as const,
        });
    await markingWrites(store, coverage).write(rows);
  }
  async function report(fromMs: number, toMs: number) {
    const made = await reporter.report({ fromMs, toMs, points: [{ info, node: "edge-a" }] });
    return { ...made, item: made.items[0]! };
  }
  async function rollUpAll() {
    const { signal } = new AbortController();
    while ((await rollUpSome({ store, coverage, clock, log }, signal)) > 0);
  }

  test("of a whole hour is 100 percent, without holes", async () => {
    const from = T0 - 2 * HOUR;
    await fill({ from: from - HOUR, to: T0 }, () => false);
    expect((await report(from, from + HOUR)).item).toEqual({
      ...{ node: "edge-a", point: info.id, expected: 360, stored: 360, percent: 100 },
      ...{ since: from - HOUR, missing: [], more: false, approximate: false, gaps: [] },
    });
  });

  test("names holes to the reading, with what the node declared of them", async () => {
    const from = T0 - 2 * HOUR;
    const hole = { from: from + 600_000, to: from + 905_000 };
    await fill({ from: from - HOUR, to: T0 }, (at) => at >= hole.from && at < hole.to);
    const gap = { point: info.id, from: hole.from, to: hole.to, count: 31, detail: "spool full" };
    const at = hole.to + 1_000;
    const input = { node: "edge-a", epoch: "e", receivedAt: at };
    ledger.append([
      { ...input, seq: 1, event: { type: "node", what: "gap", at, ...gap } },
      { ...input, seq: 2, event: { type: "node", what: "gap", at, ...gap, point: "other.t" } },
      { ...input, seq: 3, event: { type: "node", what: "gap", at, ...gap, to: from - 1, from: 0 } },
    ]);
    const { item } = await report(from, from + HOUR);
    expect(item).toMatchObject({ expected: 360, stored: 329, percent: 91.38 });
    expect(item.missing).toEqual([{ from: hole.from, to: from + 910_000 }]);
    expect(item.gaps).toEqual([{ from: hole.from, to: hole.to, count: 31, why: "spool full" }]);
  });

  test("of ten days from rollups finds one lost minute, and late rows that fill it", async () => {
    const from = T0 - 10 * DAY;
    const lost = { from: T0 - 5 * DAY + 1_200_000, to: T0 - 5 * DAY + 1_260_000 };
    await fill({ from, to: T0 }, (at) => at >= lost.from && at < lost.to);
    await rollUpAll();
    const { item, settling } = await report(from, T0);
    expect(settling).toBe(false);
    expect(item.missing).toEqual([lost]);
    expect(item.expected - item.stored).toBe(6);
    await fill(lost, () => false);
    const whole = { stored: item.expected, percent: 100, missing: [] };
    expect((await report(from, T0)).item).toMatchObject(whole);
    await rollUpAll();
    expect((await report(from, T0)).item).toMatchObject(whole);
  });

  test("expects nothing before a point's first reading; of one without any everything is missing", async () => {
    const from = T0 - 4 * HOUR;
    await fill({ from: T0 - HOUR, to: T0 }, () => false);
    const toMs = T0 - 60_000;
    const { item } = await report(from, T0);
    expect(item).toMatchObject({ expected: 354, stored: 354, percent: 100, since: T0 - HOUR });
    info = { ...info, id: `${info.id}-never` };
    expect((await report(from, T0)).item).toMatchObject({
      ...{ stored: 0, percent: 0, since: null },
      missing: [{ from, to: toMs }],
    });
  });

  test("leaves the last minute out: its readings are on their way", async () => {
    await fill({ from: T0 - HOUR, to: T0 - 50_000 }, () => false);
    expect(await report(T0 - HOUR, T0)).toMatchObject({
      toMs: T0 - 60_000,
      item: { percent: 100, missing: [] },
    });
    expect(await reporter.report({ fromMs: T0 - 1_000, toMs: T0, points: [] })).toMatchObject({
      items: [],
    });
  });

  test("names 20 of many holes and says that there are more", async () => {
    const from = T0 - 5 * HOUR;
    await fill({ from: from - HOUR, to: T0 }, (at) => Math.floor(at / 120_000) % 2 === 1);
    const { item } = await report(from, from + 4 * HOUR);
    expect(item.missing).toHaveLength(20);
    expect(item).toMatchObject({ more: true, percent: 50 });
  });

  test("what is stored plus what the holes hold is what was expected, wherever they are", async () => {
    const from = T0 - 3 * HOUR;
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.integer({ min: 2, max: 60 }), { maxLength: 6 }),
        async (minutes) => {
          points += 1;
          info = { ...info, id: `p${points}.t` };
          const lost = new Set(minutes.filter((minute) => !minutes.includes(minute - 1)));
          await fill({ from, to: T0 }, (at) => lost.has(Math.floor((at - from) / 60_000)));
          const { item } = await report(from, from + 90 * 60_000);
          const holesMs = item.missing.reduce((sum, hole) => sum + hole.to - hole.from, 0);
          expect(item.stored + holesMs / info.periodMs).toBe(item.expected);
          expect(item.missing).toHaveLength(lost.size);
        },
      ),
      { numRuns: 10 },
    );
  });
});
