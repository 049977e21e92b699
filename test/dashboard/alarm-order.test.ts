import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlarmView } from "../../contract/api.ts";
import {
  chooseVisible,
  compareAlarms,
  hiddenText,
  listedAlarms,
  worstPriority,
} from "../../dashboard/alarm-order.ts";
import { stateSentence } from "../../dashboard/state-sentence.ts";
import { planList } from "../../dashboard/wall/list-plan.ts";
import { fixtureAlarm } from "./fixture-alarms.ts";

type Fields = Partial<AlarmView>;
const ack: Fields = { state: "acknowledged", ack: { at: 1, by: "kn" } };
const shelved: Fields = { shelved: { until: 9, by: "kn", reason: "x" } };
let made = 0;
const alarm = (priority: AlarmView["priority"], raisedAt = 0, fields: Fields = {}) =>
  fixtureAlarm({ id: `r.p${++made}`, priority, title: "t", raisedAt, ...fields });

test("unacknowledged first, then priority, then newest", () => {
  const wanted = [
    alarm(1, 5),
    alarm(2, 9),
    alarm(2, 3),
    alarm(3, 1),
    alarm(1, 8, ack),
    alarm(4, 9, ack),
  ];
  const shuffled = [5, 2, 0, 4, 3, 1].map((i) => wanted[i]!);
  expect(listedAlarms(shuffled)).toEqual(wanted);
});

test("normal, shelved, suppressed and out-of-service alarms are not listed", () => {
  const away = [
    alarm(1, 0, { state: "normal" }),
    alarm(1, 0, shelved),
    alarm(1, 0, { suppressed: true }),
    alarm(1, 0, { outOfService: { since: 1, by: "kn", reason: "x" } }),
  ];
  expect(listedAlarms(away)).toEqual([]);
});

test("an alarm that cleared by itself stays in the list but no longer marks its place", () => {
  const returned = alarm(1, 0, { state: "returned", clearedAt: 5 });
  expect(listedAlarms([returned])).toHaveLength(1);
  expect(worstPriority([returned, alarm(3)], () => true)).toBe(3);
  expect(worstPriority([alarm(2, 0, { state: "latched", clearedAt: 5 })], () => true)).toBe(2);
  expect(worstPriority([returned], () => true)).toBeNull();
});

const anyAlarm = fc
  .record({
    priority: fc.constantFrom<AlarmView["priority"][]>(1, 2, 3, 4),
    raisedAt: fc.nat(50),
    acked: fc.boolean(),
  })
  .map(({ priority, raisedAt, acked }) => alarm(priority, raisedAt, acked ? ack : {}));

test("no P1 is ever left out while there is a row for it, and nothing is lost from the count", () => {
  fc.assert(
    fc.property(
      fc.array(anyAlarm, { maxLength: 60 }),
      fc.integer({ min: 1, max: 30 }),
      (all, n) => {
        const ordered = [...all].sort(compareAlarms);
        const { visible, hidden } = chooseVisible(ordered, n);
        const critical = all.filter((each) => each.priority === 1).length;
        expect(hidden[0]).toBe(Math.max(0, critical - n));
        expect(visible.length + hidden.reduce((a, b) => a + b, 0)).toBe(all.length);
        expect(visible.length).toBe(Math.min(n, all.length));
        expect([...visible].sort(compareAlarms)).toEqual(visible);
      },
    ),
  );
});

test("the list becomes denser rather than leave a P1 out", () => {
  expect(planList(1, 9, 44)).toMatchObject({ kind: "card" });
  expect(planList(12, 40, 44)).toEqual({ kind: "short", capacity: 17 });
  expect(planList(30, 40, 44)).toEqual({ kind: "columns", capacity: 34 });
});

test.each([
  [[0, 0, 0, 0], ""],
  [[0, 0, 2, 0], "+2 more, both P3"],
  [[0, 0, 1, 0], "+1 more, P3"],
  [[0, 5, 0, 0], "+5 more, all P2"],
  [[0, 3, 4, 0], "+7 more: 3 P2, 4 P3"],
] as const)("hidden %j reads %j", (hidden, text) => {
  expect(hiddenText([...hidden])).toBe(text);
});

const known = { silentPoints: 0, points: 100, silentNodes: 0 };
test.each<[string, AlarmView[], Partial<typeof known>, string, string[]]>([
  ["nothing wrong", [], {}, "Normal", ["no active alarms"]],
  [
    "one point silent",
    [],
    { silentPoints: 3 },
    "No active alarms",
    ["3 of 100 points without a reading"],
  ],
  [
    "an edge gone",
    [],
    { silentNodes: 1 },
    "No active alarms",
    ["0 of 100 points without a reading"],
  ],
  ["no reading at all", [], { silentPoints: 100 }, "No readings", ["0 of 100 points"]],
  ["an empty hub", [], { points: 0 }, "No points yet", []],
  [
    "P1 and P2",
    [alarm(1), alarm(2), alarm(2, 0, ack)],
    {},
    "1 critical · 2 high",
    ["2 not acknowledged"],
  ],
  [
    "three kinds",
    [alarm(1), alarm(2), alarm(3)],
    {},
    "1 critical · 1 high",
    ["1 low", "3 not acknowledged"],
  ],
  ["all acknowledged", [alarm(3, 0, ack)], {}, "1 low", ["all acknowledged"]],
  [
    "only cleared ones",
    [alarm(2, 0, { state: "returned", clearedAt: 5 })],
    {},
    "Cleared",
    ["1 not acknowledged"],
  ],
  ["only shelved ones", [alarm(1, 0, shelved)], {}, "Normal", ["no active alarms"]],
])("with %s the wall says so", (_, alarms, fields, head, rest) => {
  expect(stateSentence({ alarms, ...known, ...fields })).toMatchObject({ head, rest });
});
