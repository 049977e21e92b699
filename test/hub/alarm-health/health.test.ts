import { expect, test } from "vitest";
import type { Change } from "../../../contract/alarm/engine.ts";
import { AlarmHealthReporter } from "../../../hub/alarm-health/alarm-health.ts";
import { HealthMeter, quantiles } from "../../../hub/alarm-health/health-meter.ts";
import { createLedger } from "../../../hub/ledger/ledger.ts";
import { openHubDb } from "../../../hub/state/hub-db.ts";
import { transact } from "../../../hub/state/transaction.ts";
import { FakeClock } from "../../fake-clock.ts";
import { ALARM } from "../http/stand-in.ts";

const S = 1_000;
const MIN = 60_000;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const FROM = Date.UTC(2026, 0, 1);

/** Activations at these times after midnight, each over after a minute. */
function measured(timesMs: readonly number[], toMs = DAY, alarm = (i: number) => `a${i}`) {
  const meter = new HealthMeter(FROM, FROM + toMs);
  timesMs.forEach((ms, index) => {
    const raisedAt = FROM + ms;
    const id = alarm(index);
    const end = { clearedAt: raisedAt + MIN, ackedAt: null, ackedBy: null };
    meter.add({ alarm: id, title: id, priority: 3, raisedAt, ...end });
  });
  return meter.result();
}

const every = (stepMs: number, count: number, fromMs = 0) =>
  Array.from({ length: count }, (_, index) => fromMs + index * stepMs);

test("144 alarms a day, evenly, are 1 in 10 min: on target, no window above 10, no flood", () => {
  const health = measured(every(10 * MIN, 144));
  expect(health.raised).toBe(144);
  expect(health.perTenMinutes).toMatchObject({ value: 1, target: 1, bad: "above" });
  expect(health.worstTenMinutes.value).toBe(1);
  expect(health.windowsAboveTen.value).toBe(0);
  expect(health.timeInFlood.value).toBe(0);
});

test("Ten alarms in 10 min are no flood; the eleventh begins one, and fewer than 5 end it", () => {
  expect(measured(every(30 * S, 10)).floods).toEqual([]);
  const { floods, worstTenMinutes, timeInFlood, windowsAboveTen } = measured(every(30 * S, 11));
  // The eleventh comes at 5 min; the seventh is out at 13 min, and 4 are left.
  expect(floods).toEqual([{ from: FROM + 5 * MIN, to: FROM + 13 * MIN, alarms: 11 }]);
  expect(worstTenMinutes).toMatchObject({ value: 11, target: 10 });
  expect(timeInFlood.value).toBeCloseTo((100 * 8) / 1_440, 10);
  expect(windowsAboveTen.value).toBeCloseTo(100 / 144, 10);
});

test("A flood goes on while 5 come in 10 min, although it takes more than 10 to begin one", () => {
  const { floods } = measured([...every(S, 11), ...every(2 * MIN, 20, 2 * MIN)]);
  expect(floods).toHaveLength(1);
  // The last five came at 32, 34, 36, 38 and 40 min: the first of them is out at 42 min.
  expect(floods[0]).toEqual({ from: FROM + 10 * S, to: FROM + 42 * MIN, alarms: 31 });
});

test("A flood that began before the period counts from its start; one that lasts is cut at its end", () => {
  const { floods, raised } = measured(every(10 * S, 200, -20 * MIN), 5 * MIN);
  expect(floods).toEqual([{ from: FROM, to: FROM + 5 * MIN, alarms: expect.any(Number) }]);
  expect(raised).toBe(30);
});

test.each([
  ["three within 60 s chatter once", [0, 20 * S, 59 * S], 1],
  ["three in exactly 60 s do not", [0, 20 * S, 60 * S], 0],
  ["two do not", [0, S], 0],
  ["five in a row are one chattering", [0, S, 2 * S, 3 * S, 4 * S], 1],
  ["with a pause between they are two", [0, S, 2 * S, HOUR, HOUR + S, HOUR + 2 * S], 2],
])("Chattering: %s", (_, times, count) => {
  const { chattering } = measured(times, DAY, () => "door");
  expect(chattering).toEqual(count === 0 ? [] : [{ alarm: "door", title: "door", times: count }]);
});

test.each([
  ["over after 10 s, alone", [[0, 10 * S, null]], 1],
  ["over after 11 s", [[0, 11 * S, null]], 0],
  ["acknowledged before it was over", [[0, 8 * S, 4 * S]], 0],
  ["acknowledged afterwards", [[0, 8 * S, 20 * S]], 1],
  [
    "back within 60 s",
    [
      [0, 5 * S, null],
      [50 * S, 55 * S, null],
    ],
    0,
  ],
  [
    "twice, an hour apart",
    [
      [0, 5 * S, null],
      [HOUR, HOUR + S, null],
    ],
    2,
  ],
  ["still standing", [[0, null, null]], 0],
] as [string, [number, number | null, number | null][], number][])(
  "Fleeting: %s counts %#",
  (_, stories, count) => {
    const meter = new HealthMeter(FROM, FROM + DAY);
    const at = (ms: number | null) => (ms === null ? null : FROM + ms);
    for (const [raised, cleared, acked] of stories)
      meter.add({
        ...{ alarm: "fan", title: "Fan", priority: 4, raisedAt: FROM + raised },
        ...{ clearedAt: at(cleared), ackedAt: at(acked), ackedBy: acked && "anna" ? "anna" : null },
      });
    expect(meter.result().fleeting[0]?.times ?? 0).toBe(count);
  },
);

test("The ten most frequent and their share; priorities beside 1, 5, 15 and 80 %", () => {
  // a0 comes 30 times, a1…a20 once each.
  const times = every(HOUR / 4, 50);
  const health = measured(times, DAY, (index) => (index < 30 ? "a0" : `a${index}`));
  expect(health.topTen[0]).toEqual({ alarm: "a0", title: "a0", times: 30, sharePercent: 60 });
  expect(health.topTen).toHaveLength(10);
  expect(health.topTenShare).toMatchObject({ value: 78, target: 5, bad: "above" });
  expect(health.priorities.map(({ share }) => [share.value, share.target, share.bad])).toEqual([
    [0, 1, "above"],
    [0, 5, "above"],
    [100, 15, "above"],
    [0, 80, "below"],
  ]);
});

test("Without any alarm shares are unknown, not zero", () => {
  const health = measured([]);
  expect(health.topTenShare.value).toBeNull();
  expect(health.priorities[0]?.share.value).toBeNull();
  expect(health.acknowledge).toEqual({ p50S: null, p95S: null });
  expect(health.perTenMinutes.value).toBe(0);
  expect(health.worstTenMinutes.value).toBe(0);
});

test("p50 and p95 of 1…100 s are 50 s and 95 s, of one value that value", () => {
  expect(quantiles(every(1, 100, 1))).toEqual({ p50S: 50, p95S: 95 });
  expect(quantiles([7])).toEqual({ p50S: 7, p95S: 7 });
});

/** A ledger with records as the alarm engine writes them. */
function desk() {
  const clock = new FakeClock(FROM);
  const db = openHubDb(":memory:");
  const ledger = createLedger({ db, clock });
  const reporter = new AlarmHealthReporter({ db, ledger, alarms: { views: () => [] }, clock });
  const write = (
    what: Change | "withdrawn",
    ms: number,
    alarm = "hot.a1",
    occurrence = 1,
    by = "hub",
  ) =>
    ledger.appendOwn(`alarm.${what}`, FROM + ms, {
      ...{ alarm, occurrence, by, priority: 2, title: `Title of ${alarm}` },
    });
  return { clock, db, ledger, reporter, write };
}

test("Only what sounds counts: not re-alarms, and not what came while shelved, suppressed or out of service", async () => {
  const { clock, reporter, write } = desk();
  write("raised", 0);
  write("acknowledged", 90 * S, "hot.a1", 1, "Anna");
  write("re-alarmed", 5 * MIN);
  write("cleared", 10 * MIN);
  write("shelved", 20 * MIN);
  write("raised", 21 * MIN, "hot.a1", 2);
  write("cleared", 22 * MIN, "hot.a1", 2);
  write("unshelved", 23 * MIN, "hot.a1", 2);
  write("raised", 30 * MIN, "hot.a1", 3);
  write("acknowledged", 31 * MIN, "hot.a1", 3, "Anna (SMS)");
  await clock.advance(DAY / 2);
  const health = await reporter.report(FROM, FROM + DAY);
  expect(health.raised).toBe(2);
  expect(health.to).toBe(FROM + DAY / 2);
  expect(health.operators).toEqual([{ name: "Anna", acknowledged: 2, p50S: 60, p95S: 90 }]);
  expect(health.acknowledge).toEqual({ p50S: 60, p95S: 90 });
  expect(health.clear).toEqual({ p50S: 600, p95S: 600 });
});

test("What stands longer than 24 h is listed until it clears, is shelved or its rule is gone", async () => {
  const { clock, reporter, write } = desk();
  for (const alarm of ["clears.a", "shelved.b", "stands.c", "gone.d"]) write("raised", 0, alarm);
  await clock.advance(DAY - 1);
  expect((await reporter.report(FROM, FROM + 9 * DAY)).standing).toEqual([]);
  await clock.advance(1);
  expect((await reporter.report(FROM, FROM + 9 * DAY)).standing).toHaveLength(4);
  write("cleared", DAY, "clears.a");
  write("shelved", DAY, "shelved.b");
  write("withdrawn", DAY, "gone.d");
  const { standing } = await reporter.report(FROM, FROM + 9 * DAY);
  expect(standing).toEqual([{ alarm: "stands.c", title: "Title of stands.c", since: FROM }]);
});

test("What is shelved is listed with who and until when", async () => {
  const { clock, db, ledger } = desk();
  const shelved = { until: FROM + DAY, by: "Anna", reason: "new filter" };
  const alarms = { views: () => [ALARM, { ...ALARM, id: "hot.b", shelved }] };
  await clock.advance(MIN);
  const health = await new AlarmHealthReporter({ db, ledger, alarms, clock }).report(
    FROM,
    FROM + DAY,
  );
  expect(health.shelved).toEqual([
    { alarm: "hot.b", title: ALARM.title, by: "Anna", until: FROM + DAY },
  ]);
});

test("A period that is empty or longer than 400 days is refused in words", async () => {
  const { reporter, clock } = desk();
  await clock.advance(DAY);
  await expect(reporter.report(FROM + 9 * DAY, FROM + 10 * DAY)).rejects.toThrow("before to");
  await expect(reporter.report(FROM - 400 * DAY, FROM + DAY)).rejects.toThrow("400 days");
});

test("A year of 150 alarms a day is reported in less than a second, and the same after a restart", async () => {
  const { clock, db, ledger, reporter, write } = desk();
  const count = 365 * 150;
  transact(db, () => {
    // As the index writes them; making the ledger's hash chain is not what is measured.
    const { table } = reporter;
    for (let index = 0; index < count; index += 1) {
      const [alarm, raisedAt] = [`a${index % 400}`, FROM + index * 9.6 * MIN];
      table.come({
        alarm,
        title: alarm,
        priority: 3,
        raisedAt,
        seq: index + 1_000,
        occurrence: index,
      });
      table.cleared(alarm, index, raisedAt + 10 * MIN);
      table.acknowledged(alarm, index, { at: raisedAt + MIN, by: `p${index % 9}` });
    }
  });
  write("raised", 1);
  await clock.advance(365 * DAY);
  // Work, not wall time: other tests run beside this one.
  const begun = process.cpuUsage();
  const health = await reporter.report(FROM, FROM + 365 * DAY);
  const { user, system } = process.cpuUsage(begun);
  expect((user + system) / 1_000).toBeLessThan(1_000);
  expect(health.raised).toBe(count + 1);
  const again = new AlarmHealthReporter({ db, ledger, alarms: { views: () => [] }, clock });
  expect(await again.report(FROM, FROM + 365 * DAY)).toEqual(health);
});
