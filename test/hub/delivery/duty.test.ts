import { expect, test } from "vitest";
import type { Rota } from "../../../hub/config/delivery-config.ts";
import { dutyNow } from "../../../hub/delivery/duty.ts";

const at = (text: string) => Date.parse(text);
const day = (text: string) => Math.floor(Date.parse(text) / 86_400_000);
const ROTA: Rota = {
  ...{ id: "week", zone: "Europe/Helsinki", people: ["anna", "bo"], turnDays: 7 },
  start: { day: day("2026-11-02"), minute: 8 * 60 },
  ...{ overrides: [], holidays: [] },
};
const PEOPLE = [
  { id: "anna", name: "Anna Virtanen", reach: [], phones: [] },
  { id: "bo", name: "Bo Ek", reach: [], phones: [] },
];
const duty = (now: string, change: Partial<Rota> = {}) =>
  dutyNow({ rota: [{ ...ROTA, ...change }], people: PEOPLE }, at(now))[0];

test("who has the week, and who takes over on Monday at 8 in the rota's own zone", () => {
  expect(duty("2026-11-04T12:00Z")).toEqual({
    ...{ rota: "week", who: "Anna Virtanen", next: "Bo Ek" },
    until: at("2026-11-09T06:00Z"),
  });
});

test("an override that begins at 17:20 is named to the minute, and its end too", () => {
  const overrides = [{ from: at("2026-11-04T15:20Z"), to: at("2026-11-04T19:07Z"), who: "bo" }];
  expect(duty("2026-11-04T12:00Z", { overrides })).toMatchObject({
    ...{ who: "Anna Virtanen", next: "Bo Ek", until: at("2026-11-04T15:20Z") },
  });
  expect(duty("2026-11-04T16:00Z", { overrides })).toMatchObject({
    ...{ who: "Bo Ek", next: "Anna Virtanen", until: at("2026-11-04T19:07Z") },
  });
});

test("a rota of one has no change, and a group is called by its id", () => {
  expect(duty("2026-11-04T12:00Z", { people: ["night-shift"] })).toMatchObject({
    ...{ who: "night-shift", until: null, next: null },
  });
});
