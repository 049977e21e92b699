import fc from "fast-check";
import { expect, test } from "vitest";
import type { AlarmView } from "../../contract/api.ts";
import type { Race } from "../../contract/incident.ts";
import { listedAlarms } from "../../dashboard/alarm-order.ts";
import {
  chooseRows,
  foldRows,
  type ListRow,
  moreText,
  spokenFor,
  waitingIn,
} from "../../dashboard/incident-fold.ts";
import { raceLine } from "../../dashboard/race-words.ts";
import { fixtureAlarm } from "./fixture-alarms.ts";
import { fixtureIncident, fixtureRack } from "./fixture-incidents.ts";

const NOW = Date.UTC(2026, 10, 22, 12);

type Fields = Partial<AlarmView>;
/** An alarm of incident `i` (or of none), named by its place. */
const alarm = (
  place: string,
  priority: AlarmView["priority"],
  incident: string | null = "i",
  fields: Fields = {},
) =>
  fixtureAlarm({
    id: `r.${place.toLowerCase()}.x`,
    ...{ place, priority, title: place, raisedAt: 1_000, incident, ...fields },
  });
const acked: Fields = { state: "acknowledged", ack: { at: 1, by: "kn" } };
const gone: Fields = { state: "normal" };
const incident = fixtureIncident({ id: "i", title: "Utility A lost", lead: "r.u.x" });

/** `1 U +A03,B01`: badge, who speaks, what is folded. */
const brief = ({ alarm, priority, folded }: ListRow) =>
  `${priority} ${alarm.place}${folded.length > 0 ? ` +${folded.map(({ place }) => place)}` : ""}`;

test.each<[string, AlarmView[], string[]]>([
  ["an incident of one alarm reads as before", [alarm("U", 2)], ["2 U"]],
  [
    "a lead and 2 symptoms are 1 row",
    [alarm("U", 2), alarm("A03", 2), alarm("B01", 3)],
    ["2 U +A03,B01"],
  ],
  [
    "a P1 symptom keeps its own row below, and lends its urgency",
    [alarm("U", 2), alarm("UPS", 1), alarm("A03", 2)],
    ["1 U +A03", "1 UPS"],
  ],
  ["a P2 behind a P3 lead makes the row a P2", [alarm("U", 3), alarm("A03", 2)], ["2 U +A03"]],
  [
    "a lead that is over leaves the word to the most urgent",
    [alarm("U", 2, "i", gone), alarm("A03", 3), alarm("B01", 2)],
    ["2 B01 +A03"],
  ],
  [
    "alarms of no incident, and of one nobody described, stay rows",
    [alarm("A", 2, null), alarm("B", 2, "x"), alarm("C", 2, "x")],
    ["2 A", "2 B", "2 C"],
  ],
  [
    "the incident stands where its most urgent unacknowledged alarm would",
    [alarm("U", 2, "i", acked), alarm("D", 3, null), alarm("A03", 2)],
    ["2 U +A03", "3 D"],
  ],
])("%s", (_, alarms, rows) => {
  expect(foldRows(listedAlarms(alarms), [incident]).map(brief)).toEqual(rows);
});

test("a hub without incidents folds nothing", () => {
  const alarms = [alarm("U", 2), alarm("A03", 2)];
  expect(foldRows(listedAlarms(alarms), null).map(brief)).toEqual(["2 A03", "2 U"]);
});

const anyAlarms = fc
  .array(
    fc.record({
      priority: fc.constantFrom<AlarmView["priority"][]>(1, 2, 3, 4),
      incident: fc.constantFrom("i", "j", "k", null),
    }),
    { maxLength: 40 },
  )
  .map((all) =>
    all.map(({ priority, incident }, i) => alarm(i === 0 ? "U" : `P${i}`, priority, incident)),
  );

test("no alarm is lost or shown twice, and every P1 speaks for itself while rows last", () => {
  fc.assert(
    fc.property(anyAlarms, fc.integer({ min: 1, max: 30 }), (alarms, capacity) => {
      const rows = foldRows(listedAlarms(alarms), [incident, fixtureIncident({ id: "j" })]);
      const ids = rows.flatMap(spokenFor).map(({ id }) => id);
      expect(ids.sort()).toEqual(alarms.map(({ id }) => id).sort());
      expect(rows.flatMap(({ folded }) => folded).every(({ priority }) => priority > 1)).toBe(true);
      const { visible, hidden } = chooseRows(rows, capacity);
      const hiddenCount = hidden.reduce((sum, n) => sum + n, 0);
      expect(visible.flatMap(spokenFor).length + hiddenCount).toBe(alarms.length);
      const urgent = rows.filter(({ priority }) => priority === 1).length;
      if (urgent <= capacity) expect(hidden[0]).toBe(0);
    }),
  );
});

test("what is folded is counted and named as far as there is room", () => {
  const [row] = foldRows(
    listedAlarms([alarm("U", 2), alarm("A03", 2), alarm("A04", 2), alarm("B01", 2, "i", acked)]),
    [incident],
  ) as [ListRow];
  expect(moreText(row)).toBe("and 3 more: A03, A04, B01");
  expect(moreText(row, (text) => text.length <= 22)).toBe("and 3 more: A03, A04 …");
  expect(moreText(row, () => false)).toBe("and 3 more");
  expect(waitingIn(row)).toBe(3);
  const [headless] = foldRows([alarm("A03", 2), alarm("A04", 2)], [incident]) as [ListRow];
  expect(moreText(headless)).toBe("and 1 more, from Utility A lost: A04");
});

const heat = fixtureRack("B05", 28.6, [9.2, 13.4]);
const ups = (minutes: number | null, label = "UPS A") => ({ ups: "u", label, minutes });
test.each<[string, Partial<Race>, string]>([
  [
    "both known",
    { racks: [heat, fixtureRack("B02", 28, [10, 16])], ups: [ups(21.7)] },
    "racks reach 32 °C in 9–14 min · UPS A 21 min left · heat first",
  ],
  [
    "1 rack, and the battery is empty before",
    { racks: [heat], ups: [ups(5)] },
    "B05 reaches 32 °C in 9–14 min · UPS A 5 min left · power first",
  ],
  [
    "the battery ends within the band",
    { racks: [heat], ups: [ups(11)] },
    "B05 reaches 32 °C in 9–14 min · UPS A 11 min left · close together",
  ],
  [
    "a UPS that does not say",
    { racks: [heat], ups: [ups(null)] },
    "B05 reaches 32 °C in 9–14 min · UPS A time left not known",
  ],
  [
    "another rack not known, so nobody can say what comes first",
    { racks: [heat, fixtureRack("A01", null, "not known: no inlet is read")], ups: [ups(40)] },
    "racks reach 32 °C in 9–14 min · UPS A 40 min left",
  ],
  [
    "no latest, because it may level off",
    { racks: [{ ...heat, latestMinutes: null }], ups: [ups(40)] },
    "B05 reaches 32 °C in 9 min at the earliest · UPS A 40 min left · which first: not known",
  ],
  ["nothing rises", { racks: [fixtureRack("A04", 24, "not rising")] }, "A04 not rising"],
  [
    "over the limit now",
    { racks: [{ ...heat, minutes: 0, earliestMinutes: 0, latestMinutes: 0 }], ups: [ups(0.5)] },
    "B05 is over 32 °C · UPS A less than 1 min left",
  ],
  ["hours", { racks: [fixtureRack("B05", 24, [100, 190])] }, "B05 reaches 32 °C in 1–4 h"],
  [
    "computed 61 s ago",
    { at: NOW - 61_000, racks: [heat], ups: [ups(21.7)] },
    "time to the limit not known at present · UPS A time left not known",
  ],
])("race clock: %s", (_, fields, words) => {
  expect(raceLine({ at: NOW, racks: [], ups: [], first: null, ...fields }, NOW)).toBe(words);
});
