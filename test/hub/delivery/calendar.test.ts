import { describe, expect, test } from "vitest";
import type { Rota } from "../../../hub/config/delivery-config.ts";
import { epochOf, localTime, parseDate, parseLocal } from "../../../hub/delivery/local-time.ts";
import {
  coveredUntil,
  lastDayOf,
  occursOn,
  parseRecurrence,
  type Recurrence,
  type Series,
} from "../../../hub/delivery/recurrence.ts";
import { onDuty } from "../../../hub/delivery/rota.ts";

const ZONE = "Europe/Helsinki";
const day = (text: string): number => parseDate(text)!;
const at = (text: string, zone = ZONE): number => epochOf(parseLocal(text)!, zone);
const iso = (ms: number | null) => ms && new Date(ms).toISOString().slice(0, 16);
function rule(text: string): Recurrence {
  const read = parseRecurrence(text);
  if ("why" in read) throw new Error(read.why);
  return read.recurrence;
}

describe("clock times in Helsinki, where clocks change on 29 March and 25 October 2026", () => {
  test.each([
    ["2026-03-28 03:30", "2026-03-28T01:30"],
    ["2026-03-29 02:59", "2026-03-29T00:59"],
    // Skipped: half an hour after the gap's beginning, which clocks show as 04:30.
    ["2026-03-29 03:30", "2026-03-29T01:30"],
    ["2026-03-29 04:00", "2026-03-29T01:00"],
    // Shown twice: the first time.
    ["2026-10-25 03:30", "2026-10-25T00:30"],
    ["2026-10-25 04:00", "2026-10-25T02:00"],
  ])("%s is %sZ", (local, utc) => {
    expect(iso(at(local))).toBe(utc);
  });

  test("every hour of two years comes back as itself", () => {
    for (let ms = at("2026-01-01 00:00"); ms < at("2028-01-01 00:00"); ms += 3_600_000) {
      const again = epochOf(localTime(ms, ZONE), ZONE);
      expect([0, -3_600_000]).toContain(again - ms);
    }
  });
});

describe("recurrences, with the days RFC 5545 gives", () => {
  test.each([
    ["FREQ=DAILY;INTERVAL=10;COUNT=5", "1997-09-02", "09-02 09-12 09-22 10-02 10-12"],
    ["FREQ=WEEKLY;COUNT=4", "1997-09-02", "09-02 09-09 09-16 09-23"],
    ["FREQ=WEEKLY;COUNT=4;BYDAY=TU,TH", "1997-09-02", "09-02 09-04 09-09 09-11"],
    ["FREQ=WEEKLY;INTERVAL=2;COUNT=4;BYDAY=TU,TH", "1997-09-02", "09-02 09-04 09-16 09-18"],
    ["FREQ=MONTHLY;COUNT=3;BYDAY=1FR", "1997-09-05", "09-05 10-03 11-07"],
    ["FREQ=MONTHLY;COUNT=4;BYDAY=-2MO", "1997-09-22", "09-22 10-20 11-17 12-22"],
    ["FREQ=MONTHLY;COUNT=4;BYMONTHDAY=-3", "1997-09-28", "09-28 10-29 11-28 12-29"],
    ["FREQ=MONTHLY;COUNT=4;BYMONTHDAY=2,15", "1997-09-02", "09-02 09-15 10-02 10-15"],
    ["FREQ=MONTHLY;INTERVAL=2;COUNT=3;BYDAY=TU", "1997-09-02", "09-02 09-09 09-16"],
    ["FREQ=MONTHLY;COUNT=3;BYMONTHDAY=13;BYDAY=FR", "1998-02-13", "02-13 03-13 11-13"],
    // A month without a 31st is left out.
    ["FREQ=MONTHLY;COUNT=3", "1997-08-31", "08-31 10-31 12-31"],
  ])("%s from %s", (text, from, expected) => {
    const recurrence = rule(text);
    const start = day(from);
    const days: string[] = [];
    for (let n = start; n <= lastDayOf(recurrence, start)!; n += 1)
      if (occursOn(recurrence, start, n))
        days.push(new Date(n * 86_400_000).toISOString().slice(5, 10));
    expect(days.join(" ")).toBe(expected);
  });

  test.each([
    ["FREQ=YEARLY", /FREQ is needed: one of DAILY, WEEKLY, MONTHLY/],
    ["FREQ=DAILY;BYHOUR=4", /"BYHOUR=4" is not understood/],
    ["FREQ=WEEKLY;BYDAY=2TU", /counts within a month/],
    ["FREQ=DAILY;COUNT=2;UNTIL=20261231", /write one of them/],
    ["FREQ=DAILY;UNTIL=20260230", /UNTIL: a date/],
    ["FREQ=DAILY;INTERVAL=0", /INTERVAL/],
    ["FREQ=MONTHLY;BYMONTHDAY=32", /BYMONTHDAY/],
    ["FREQ=DAILY;FREQ=DAILY", /twice/],
  ])("%s is refused", (text, why) => {
    expect(parseRecurrence(text)).toMatchObject({ why: expect.stringMatching(why) });
  });
});

describe("what is going on", () => {
  const series = (
    text: string | null,
    from: string,
    lastsH: number,
    extra?: Partial<Series>,
  ): Series => {
    const start = parseLocal(from)!;
    const recurrence = text === null ? null : rule(text);
    const lastDay = lastDayOf(recurrence, start.day);
    return {
      start,
      lastsMs: lastsH * 3_600_000,
      recurrence,
      except: [],
      zone: ZONE,
      lastDay,
      ...extra,
    };
  };
  const weekly = series("FREQ=WEEKLY;BYDAY=TU", "2026-03-24 22:00", 4);

  test.each([
    ["a minute before", "2026-03-24 21:59", null],
    ["at its beginning", "2026-03-24 22:00", "2026-03-25T00:00"],
    ["after midnight", "2026-03-25 01:59", "2026-03-25T00:00"],
    ["at its end", "2026-03-25 02:00", null],
    ["a week later, in summer time", "2026-03-31 22:00", "2026-03-31T23:00"],
  ])("a weekly window of 4 h from 22:00: %s", (_, now, end) => {
    expect(iso(coveredUntil(weekly, at(now)))).toBe(end);
  });

  test("4 hours stay 4 hours in the night of 29 March, and 06:00 stays 06:00 by the clock's face", () => {
    const night = series("FREQ=DAILY", "2026-03-28 22:00", 8);
    expect(iso(coveredUntil(night, at("2026-03-29 01:00")))).toBe("2026-03-29T04:00");
    const face = { ...night, byFace: true } as const;
    expect(iso(coveredUntil(face, at("2026-03-29 01:00")))).toBe("2026-03-29T03:00");
  });

  test("an excepted day, and one after UNTIL or COUNT, does not count", () => {
    const daily = (text: string, extra?: Partial<Series>) =>
      series(text, "2026-11-23 08:00", 1, extra);
    const noon = (n: number) => at(`2026-11-${n} 08:30`);
    const until = daily("FREQ=DAILY;UNTIL=20261124");
    expect([23, 24, 25].map((n) => coveredUntil(until, noon(n)) !== null)).toEqual([
      true,
      true,
      false,
    ]);
    const utc = daily("FREQ=DAILY;UNTIL=20261124T060000Z");
    expect([23, 24, 25].map((n) => coveredUntil(utc, noon(n)) !== null)).toEqual([
      true,
      true,
      false,
    ]);
    const count = daily("FREQ=DAILY;COUNT=2");
    expect([23, 24, 25].map((n) => coveredUntil(count, noon(n)) !== null)).toEqual([
      true,
      true,
      false,
    ]);
    const except = daily("FREQ=DAILY", { except: [day("2026-11-24")] });
    expect([23, 24, 25].map((n) => coveredUntil(except, noon(n)) !== null)).toEqual([
      true,
      false,
      true,
    ]);
  });
});

describe("a rota of Anna, Bo and Chi with weeks from Monday 08:00", () => {
  const rota: Rota = {
    ...{ id: "week", zone: ZONE, people: ["anna", "bo", "chi"], turnDays: 7 },
    start: parseLocal("2026-11-23 08:00")!,
    overrides: [{ from: at("2026-12-09 12:00"), to: at("2026-12-10 12:00"), who: "anna" }],
    holidays: [{ days: [day("2026-12-24"), day("2026-12-25")], who: "bo" }],
  };
  test.each([
    ["2026-11-23 08:00", "anna"],
    ["2026-11-30 07:59", "anna"],
    ["2026-11-30 08:00", "bo"],
    ["2026-12-07 08:00", "chi"],
    ["2026-12-09 11:59", "chi"],
    ["2026-12-09 12:00", "anna"],
    ["2026-12-10 12:00", "chi"],
    ["2026-12-14 08:00", "anna"],
    // The holiday's own handover, not midnight.
    ["2026-12-24 07:59", "bo"],
    ["2026-12-26 07:59", "bo"],
    ["2026-12-28 08:00", "chi"],
    // 18 weeks later, an hour of the day after clocks changed.
    ["2027-03-29 07:59", "chi"],
    ["2027-03-29 08:00", "anna"],
    // Before it began, the order runs backwards.
    ["2026-11-22 08:00", "chi"],
  ])("%s: %s", (now, who) => {
    expect(onDuty(rota, at(now))).toBe(who);
  });
});
