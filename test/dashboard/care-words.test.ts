import { expect, test } from "vitest";
import type { AlarmHealth, Coverage, Drill, Rehearsal } from "../../contract/alarm-health.ts";
import { changeWord, channelWord, deliveryWords } from "../../dashboard/channel-words.ts";
import { coverageVerdict, drillWords, provenText } from "../../dashboard/coverage-words.ts";
import { figureText, misses, spanText, verdict } from "../../dashboard/health-words.ts";
import { perDay, rehearsalVerdict } from "../../dashboard/rehearsal-words.ts";

const figure = (value: number | null, target: number, bad: "above" | "below" = "above") => ({
  ...{ value, target, bad, unit: "" },
});
const HEALTH: AlarmHealth = {
  ...{ from: 0, to: 86_400_000, raised: 20 },
  ...{ perTenMinutes: figure(0.1, 1), worstTenMinutes: figure(3, 10) },
  ...{ windowsAboveTen: figure(0, 1), timeInFlood: figure(0, 1), topTenShare: figure(60, 5) },
  ...{ floods: [], chattering: [], fleeting: [], standing: [], topTen: [], priorities: [] },
  ...{ acknowledge: { p50S: null, p95S: null }, clear: { p50S: null, p95S: null } },
  ...{ operators: [], shelved: [] },
};
const top = (times: number, sharePercent: number) => [
  { alarm: "a", title: "Door A2 open", times, sharePercent },
];
const listed = [{ alarm: "a", title: "Door A2 open", times: 4 }];

test.each<[string, Partial<AlarmHealth>, RegExp, boolean]>([
  ["nothing sounded", { raised: 0 }, /^No alarm sounded/, true],
  ["few and good", {}, /^The alarms are few enough/, true],
  [
    "floods come first",
    { timeInFlood: figure(3, 1), chattering: listed },
    /in floods for 3/,
    false,
  ],
  ["too many", { perTenMinutes: figure(2.5, 1) }, /^2\.5 alarms in 10 minutes/, false],
  ["one bad actor", { topTen: top(12, 61) }, /61 % of all: “Door A2 open”/, false],
  ["three of four are no bad actor", { topTen: top(3, 75) }, /few enough/, true],
  ["chattering", { chattering: listed }, /^1 alarm comes and goes/, false],
  [
    "standing",
    { standing: [{ alarm: "a", title: "x", since: 0 }] },
    /^1 alarm has stood for more than a day/,
    false,
  ],
])("the verdict on alarms, %s", (_story, change, words, isGood) => {
  const found = verdict({ ...HEALTH, ...change });
  expect(found.words).toMatch(words);
  expect(found.isGood).toBe(isGood);
});

test.each([
  [figure(2, 1), true],
  [figure(1, 1), false],
  [figure(70, 80, "below"), true],
  [figure(80, 80, "below"), false],
  [figure(null, 1), null],
])("a figure %o misses its target: %s", (each, missed) => {
  expect(misses(each)).toBe(missed);
});

test.each([
  [null, "%", "—"],
  [0, "%", "0 %"],
  [0.04, "", "< 0.1"],
  [0.44, "", "0.4"],
  [12, "%", "12 %"],
  [12.34, "%", "12.3 %"],
  [456.7, "", "457"],
])("the figure %s %s is written %s", (value, unit, text) => {
  expect(figureText(value, unit)).toBe(text);
});

test.each([
  [null, "—"],
  [45, "45 s"],
  [89, "89 s"],
  [90, "2 min"],
  [5_399, "90 min"],
  [5_400, "1.5 h"],
  [7_200, "2 h"],
])("%s seconds are written %s", (seconds, text) => {
  expect(spanText(seconds)).toBe(text);
});

const receiver = (change: Partial<Coverage["receivers"][number]> = {}) => ({
  ...{ id: "desk", kind: "email", provenAt: 0, overdue: false, failing: null },
  ...change,
});
const COVERED: Coverage = {
  ...{ at: 0, points: 3, unwatched: [], rulesWithoutReceiver: [], rulesMatchingNothing: [] },
  ...{ nodesNotWatched: [], receivers: [receiver()] },
};
test.each<[Partial<Coverage>, string]>([
  [{}, "Every point can alarm, and everybody can be reached."],
  [{ receivers: [] }, "Nobody is told of anything: there is no receiver."],
  [
    { receivers: [receiver({ provenAt: null, overdue: true, failing: "refused" })] },
    "1 receiver cannot be reached; 1 receiver never proven.",
  ],
  [{ receivers: [receiver({ overdue: true })] }, "1 receiver not proven for long."],
  [
    { unwatched: [{ point: "a", label: "A" }], rulesWithoutReceiver: ["x", "y"] },
    "2 rules tell nobody; 1 point can never alarm.",
  ],
])("coverage %o: %s", (change, words) => {
  expect(coverageVerdict({ ...COVERED, ...change }).words).toBe(words);
});

test.each([
  [null, "never proven"],
  [10 * 86_400_000, "proven within a day"],
  [8.5 * 86_400_000, "proven 1 day ago"],
  [0, "proven 10 days ago"],
])("a receiver proven at %s, ten days on: %s", (at, text) => {
  expect(provenText(at, 10 * 86_400_000)).toBe(text);
});

test("a drill counts receivers, not the steps of ladders", () => {
  const step = (kind: string, state: Drill["steps"][number]["state"]) => ({
    ...{ receiver: "r", kind, state, why: null, at: 0 },
  });
  const steps = [step("email", "acknowledged"), step("sms", "failed"), step("step", "delivered")];
  const drill = { id: "d", startedAt: 0, doneAt: null, by: "x", steps };
  expect(drillWords(drill)).toBe("1 of 2 reached, 1 acknowledged, 1 failed, still going on");
  expect(drillWords({ ...drill, doneAt: 1, steps: [step("email", "queued")] })).toBe(
    "0 of 1 reached",
  );
});

test("ways, states and changes in words; what is not known is shown as it is", () => {
  expect([channelWord("sms"), channelWord("pigeon")]).toEqual(["SMS", "pigeon"]);
  expect(changeWord("escalated")).toBe("alarm, next step");
  expect(deliveryWords({ state: "queued", attempts: 0 })).toBe("waiting to be sent");
  expect(deliveryWords({ state: "queued", attempts: 1 })).toBe("waiting to be sent, 1 try so far");
  expect(deliveryWords({ state: "failed", attempts: 4 })).toBe("failed");
});

const HOUR_MS = 3_600_000;
const item = (raisedAt: number, found: Rehearsal["items"][number]["found"]) => ({
  ...{ alarm: "a", title: "A", raisedAt, clearedAt: null, found },
});
const REHEARSED: Rehearsal = {
  ...{ id: "r", from: 0, to: 47 * HOUR_MS, state: "done", percent: 100, resolutionMs: 5_000 },
  ...{ points: 1, before: { alarms: 2, pages: 4 }, after: { alarms: 1, pages: 2 }, error: null },
  items: [
    item(1 * HOUR_MS, "both"),
    item(23 * HOUR_MS, "before-only"),
    item(30 * HOUR_MS, "after-only"),
  ],
};

test("alarms per day are days of site time, also those without any", () => {
  expect(perDay(REHEARSED, "UTC")).toEqual([
    { day: "1970-01-01", before: 2, after: 1 },
    { day: "1970-01-02", before: 0, after: 1 },
  ]);
  expect(perDay(REHEARSED, "Europe/Helsinki")).toEqual([
    { day: "1970-01-01", before: 1, after: 1 },
    { day: "1970-01-02", before: 1, after: 1 },
    { day: "1970-01-03", before: 0, after: 0 },
  ]);
});

test("a rehearsal is told in one sentence", () => {
  expect(rehearsalVerdict(REHEARSED)).toBe(
    "1 alarms instead of 2, 1 fewer; 2 messages instead of 4. 1 would not have come, 1 would have come anew.",
  );
  expect(rehearsalVerdict({ ...REHEARSED, items: [item(0, "both")] })).toBe(
    "The same alarms as then.",
  );
});
