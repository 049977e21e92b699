import { afterEach, expect, test } from "vitest";
import type { PointInfo } from "../../../contract/message.ts";
import { USUAL_CLIMATE } from "../../../hub/derived/climate.ts";
import { standardRules } from "../../../hub/standard-rules/rule-set.ts";
import { SmallHub } from "../alarms/small-hub.ts";
import { SITE } from "../derived/scene.ts";

let hub: SmallHub;
afterEach(() => hub.stop());

const POINTS: [role: string, quantity: PointInfo["quantity"]][] = [
  ["under-voltage", "flag"],
  ["clock-synced", "flag"],
  ["disk-free", "level"],
  ["disk-wear", "ratio"],
  ["cpu-temperature", "temperature"],
];

/** A hub with what a node says of itself, and the titles of what is raised. */
function open() {
  hub = new SmallHub(
    standardRules(["devices"], { site: SITE, climate: USUAL_CLIMATE, receivers: [] }),
  );
  hub.announce(
    POINTS.map(([role, quantity]) => ({
      ...{ id: `edge-hall.${role}`, quantity, label: role, periodMs: 10_000 },
    })),
  );
  return async (role: string, value: number, seconds: number) => {
    await hub.hold(value, seconds, `edge-hall.${role}`);
    return hub.alarms.views().map(({ title }) => title);
  };
}

test.each([
  ["under-voltage", 1, 10, "Hall A sensors: supply voltage too low"],
  ["clock-synced", 0, 604, "Hall A sensors: clock not set"],
  ["disk-free", 7, 64, "Hall A sensors: disk almost full, 7 % free"],
  ["disk-wear", 1.5, 3_604, "Hall A sensors writes more than its card endures for ten years"],
  ["cpu-temperature", 84, 64, "Hall A sensors: processor 84.0 °C"],
])("a node's %s of %s for %s s is raised as: %s", async (role, value, seconds, title) => {
  expect(await open()(role, value, seconds)).toEqual([title]);
});

test.each([
  ["under-voltage", 0],
  ["clock-synced", 1],
  ["disk-free", 55],
  ["disk-wear", 0.4],
  ["cpu-temperature", 62],
])("a node's %s of %s is no alarm", async (role, value) => {
  expect(await open()(role, value, 3_700)).toEqual([]);
});
