import { expect, test } from "vitest";
import { ProfileError, parseProfile } from "../../../edge/profiles/load.ts";

const profile = (alarm: string) => `profile: 1
id: test
vendor: Nobody
model: Test
kind: ups
source: { doc: made up for this test, verified: simulated }
link: { unit: 1 }
classes: { normal: 10s }
points:
  - { id: flags, address: 0, type: bitfield16 }
  - { id: fault, bit: { of: flags, bit: 0 }, quantity: flag, label: Fault (1 = yes) }
  - { id: load, address: 1, type: u16, quantity: load, label: Load, max: 120 }
  - { id: mode, address: 2, type: enum, quantity: state, label: Mode, states: { 0: "off", 1: bypass } }
alarms:
  - { id: first, point: fault, priority: 1 }
  - { ${alarm} }
`;
function problems(alarm: string): string[] {
  try {
    parseProfile(profile(alarm), "test.yaml");
    return [];
  } catch (error) {
    if (error instanceof ProfileError) return error.problems;
    throw error;
  }
}

test.each([
  "id: second, point: fault, equals: 0, priority: 3, delay: 5s",
  "id: second, point: load, above: 100, deadband: 5, priority: 2",
  "id: second, point: mode, equals: 1, priority: 2, title: On bypass",
])("{ %s } is right", (alarm) => {
  expect(problems(alarm)).toEqual([]);
});

test.each([
  ["an id twice", "id: first, point: load, above: 100, priority: 2", /used twice/],
  ["a point that is not there", "id: a, point: temperature, above: 30, priority: 2", /not a pub/],
  ["a point that is not published", "id: a, point: flags, equals: 1, priority: 2", /not a pub/],
  ["a flag that should be 2", "id: a, point: fault, equals: 2, priority: 2", /0 or 1/],
  ["a state without its code", "id: a, point: mode, equals: 7, priority: 2", /one of its codes/],
  ["a value by equals", "id: a, point: load, equals: 100, priority: 2", /above or below/],
  ["no condition", "id: a, point: load, priority: 2", /says no condition/],
  ["a limit nothing exceeds", "id: a, point: load, above: 120, priority: 2", /never exceeded/],
  ["a limit nothing is below", "id: a, point: load, below: 0, priority: 2", /nothing is below/],
  ["limits upside down", "id: a, point: load, above: 10, below: 50, priority: 2", /not higher/],
  ["an unknown priority", "id: a, point: fault, priority: 5", /alarms\[1\].priority/],
  ["a writing command", "id: a, point: fault, priority: 1, write: 1541", /write/],
])("an alarm with %s is told with its place", (_name, alarm, expected) => {
  const [first = ""] = problems(alarm);
  expect(first).toMatch(expected);
  expect(first).toMatch(/^test\.yaml:16:\d+ alarms\[1\]/);
});
