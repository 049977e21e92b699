import { describe, expect, test } from "vitest";
import { plainDelivery } from "../../../hub/config/delivery-config.ts";
import { checkSite } from "../../../hub/config/site-check.ts";
import { formatProblem } from "../../../hub/config/source.ts";

const SITE = `site:
  { id: demo, label: Demo, timezone: Europe/Helsinki, rooms: [{ id: a, label: A, widthM: 1, depthM: 1, rows: [] }] }
storage: { path: ./data }
receivers:
  - { id: anna-sms, webhook: { url: "https://example.net/a" } }
  - { id: bo-sms, webhook: { url: "https://example.net/b" } }
`;
const GOOD = `people:
  - { id: anna, name: Anna Virtanen, reach: [anna-sms], phones: ["+358401111111"] }
  - { id: bo, name: Bo Ek, reach: [bo-sms] }
groups:
  - { id: both, members: [anna, bo] }
rota:
  - id: week
    people: [anna, bo]
    start: 2026-11-23 08:00
    overrides: [{ from: 2026-12-24 08:00, to: 2026-12-27 08:00, who: bo }]
    holidays: [{ on: [2026-12-06], who: both }]
escalations:
  - { id: night, to: [week, bo, both] }
  - { id: slow, steps: [{ after: 0s, to: [anna] }, { after: 1h, to: [both] }] }
maintenance:
  - { id: service, reason: filters, subjects: ["crac-1.*"], starts: 2026-11-24 08:00, lasts: 4h, repeat: FREQ=MONTHLY;BYDAY=4TU }
quiet:
  - { priorities: [3, 4], from: "22:00", to: "06:00", days: [mon, tue, wed, thu, fri] }
flood: { above: 20, below: 8, digestEvery: 3m }
paging: { gather: 10s, repeat: { priorities: [1], every: 10m, most: 6 }, unassigned: [night] }
alarms:
  - { id: hot, points: ["*"], above: 27, priority: 1, title: hot, receivers: [night, both, week, anna, bo-sms] }
`;

function check(text: string) {
  return checkSite(SITE + text, "/etc/plenum/site.yaml", () => ({ why: "is not set" }));
}
function problems(text: string): string[] {
  const result = check(text);
  return "config" in result
    ? []
    : result.problems.map((problem) => formatProblem(problem).replace("/etc/plenum/", ""));
}

test("a site that says nothing has no people, 10 pages per 10 min and repeats every 15 min", () => {
  expect(check("")).toMatchObject({ config: { delivery: plainDelivery("Europe/Helsinki") } });
});

test("everything that can be said is read, with 0, 10 and 30 min when a ladder says no times", () => {
  expect(problems(GOOD)).toEqual([]);
  expect(check(GOOD)).toMatchObject({
    config: {
      delivery: {
        escalations: [
          {
            steps: [
              { afterMs: 0, to: ["week"] },
              { afterMs: 600_000, to: ["bo"] },
              { afterMs: 1_800_000, to: ["both"] },
            ],
          },
          { steps: [{ afterMs: 0 }, { afterMs: 3_600_000 }] },
        ],
        rota: [{ turnDays: 7, overrides: [{ from: Date.UTC(2026, 11, 24, 6), who: "bo" }] }],
        maintenance: [{ series: { lastsMs: 14_400_000, recurrence: { frequency: "MONTHLY" } } }],
        quiet: [{ series: { lastsMs: 28_800_000, byFace: true } }],
        flood: { above: 20, below: 8, digestEveryMs: 180_000 },
        paging: { gatherMs: 10_000, repeatPriorities: [1], repeatMost: 6, unassigned: ["night"] },
      },
      alarms: [{ receivers: ["night", "both", "week", "anna", "bo-sms"] }],
    },
  });
});

describe("mistakes are named with their place and what is allowed", () => {
  test.each([
    [
      "people: [{ id: anna, name: Anna, reach: [ana-sms] }]",
      'site.yaml:7:41 people[0].reach: "ana-sms" is not a receiver; did you mean "anna-sms"?',
    ],
    [
      "people: [{ id: anna, name: Anna, reach: [anna-sms], phones: [0401] }]",
      "people[0].phones[0]",
    ],
    [
      "groups: [{ id: anna-sms, members: [bo-sms] }]",
      'groups[0].id: "anna-sms" is a receiver already',
    ],
    [
      "rota: [{ id: week, people: [night], start: 2026-11-23 08:00 }]\nescalations: [{ id: night, to: [bo-sms] }]",
      'rota[0].people: "night" is an escalation; not allowed here; known: anna-sms, bo-sms',
    ],
    [
      "rota: [{ id: week, people: [bo-sms], start: 2026-02-30 08:00 }]",
      'rota[0].start: "2026-02-30 08:00" is not allowed; write date and time such as "2026-11-24 08:00"',
    ],
    [
      "rota: [{ id: w, people: [bo-sms], start: 2026-02-02 08:00, overrides: [{ from: 2026-03-03 08:00, to: 2026-03-02 08:00, who: bo-sms }] }]",
      "rota[0].overrides[0].to: is not after from",
    ],
    [
      "escalations: [{ id: e }]",
      "escalations[0]: needs either to: [first, second, third] or steps",
    ],
    [
      "escalations: [{ id: e, steps: [{ after: 5m, to: [bo-sms] }] }]",
      "the first step is at once; write 0s",
    ],
    [
      "escalations: [{ id: e, steps: [{ after: 0s, to: [bo-sms] }, { after: 0s, to: [bo-sms] }] }]",
      "escalations[0].steps[1].after: is not later than the step before it",
    ],
    [
      "maintenance: [{ id: m, reason: r, starts: 2026-11-24 08:00, lasts: 1h }]",
      "maintenance[0]: says nothing it is about",
    ],
    [
      'maintenance: [{ id: m, reason: r, subjects: ["*"], starts: 2026-11-24 08:00, lasts: 1h, repeat: FREQ=YEARLY }]',
      "maintenance[0].repeat: FREQ is needed: one of DAILY, WEEKLY, MONTHLY",
    ],
    [
      'maintenance: [{ id: m, reason: r, subjects: ["*"], starts: 2026-11-24 08:00, lasts: 1h, repeat: FREQ=WEEKLY;BYDAY=MO }]',
      "maintenance[0].starts: is not a day of FREQ=WEEKLY;BYDAY=MO",
    ],
    [
      'quiet: [{ priorities: [1], from: "22:00", to: "06:00" }]',
      "quiet[0].priorities[0]: 1 is not allowed",
    ],
    ['quiet: [{ priorities: [3], from: "22:00", to: "22:00" }]', "quiet[0].to: is the same time"],
    ["flood: { above: 5, below: 9 }", "flood.below: 9 is more than above (5)"],
    ["paging: { unassigned: [nobody] }", 'paging.unassigned: "nobody" is not'],
    ["people: anna", "people: needs a list, each entry beginning with -"],
    ["quiet: [{ priorities: [3], from: 25:00, to: 06:00, timezone: Mars }]", "quiet[0].timezone"],
  ])("%s", (text, expected) => {
    const found = problems(`${text}\n`);
    expect(found.join("\n")).toContain(expected);
    expect(found.every((line) => /^site\.yaml:\d+:\d+ /.test(line))).toBe(true);
  });
});
