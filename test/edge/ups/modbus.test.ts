import { describe, expect, test } from "vitest";
import { bad, good, type Measurement } from "../../../contract/reading.ts";
import type { Sample } from "../../../edge/poll/loop.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { addedUpsFlags, upsSink } from "../../../edge/ups/modbus.ts";
import { UPS_FLAGS, USUAL_UPS_VALUES } from "../../../edge/ups/model.ts";
import { upsFromNut } from "../../../edge/ups/nut.ts";

/** What the APC profile publishes of its state words in one request. */
function state(on: string[], unit = "ups-a"): Sample[] {
  const flags = [
    "online",
    "on-battery",
    "bypass",
    "testing",
    "overload",
    "output-off",
    "shutdown-imminent",
  ];
  return [...flags, "replace-battery"].map((flag) => ({
    point: `${unit}.${flag}`,
    measurement: good(on.includes(flag) ? 1 : 0),
  }));
}

const shown = (m: Measurement) => (m.quality === "bad" ? m.reason : m.value);
function through(...batches: Sample[][]) {
  const seen: Record<string, number | string> = {};
  const counts = new Map<string, number>();
  const sink = upsSink(["ups-a", "ups-b"], (samples) => {
    for (const { point, measurement } of samples) {
      seen[point] = shown(measurement);
      counts.set(point, (counts.get(point) ?? 0) + 1);
    }
  });
  for (const batch of batches) sink(batch);
  return { seen, counts };
}

describe("a UPS by Modbus means the same as one by NUT", () => {
  test.each([
    [["online"], "OL"],
    [["on-battery"], "OB"],
    [["on-battery", "shutdown-imminent"], "OB LB"],
    [["online", "shutdown-imminent"], "OL FSD"],
    [["online", "bypass"], "OL BYPASS"],
    [["online", "overload"], "OL OVER"],
    [["online", "replace-battery"], "OL RB"],
    [["online", "output-off"], "OL OFF"],
    [["on-battery", "testing"], "OB TEST"],
    [["on-battery", "testing", "shutdown-imminent"], "OB LB CAL"],
  ])("%s is %s", (on, status) => {
    const nut = upsFromNut(new Map([["ups.status", status]]), []);
    const expected = Object.fromEntries([...nut].map(([role, m]) => [`ups-a.${role}`, shown(m)]));
    expect(through(state(on)).seen).toEqual(expected);
  });

  test("every point comes once, and other devices pass unchanged", () => {
    const pdu = { point: "pdu-a1.power", measurement: good(1_200) };
    const load = { point: "ups-a.load", measurement: good(40) };
    const { seen, counts } = through([...state(["online"]), pdu, load]);
    expect([...counts.values()].every((count) => count === 1)).toBe(true);
    expect(seen).toMatchObject({ "pdu-a1.power": 1_200, "ups-a.load": 40 });
    expect(Object.keys(seen).filter((point) => point.startsWith("ups-b"))).toEqual([]);
  });

  test("a batch of values alone tells nothing about states", () => {
    const { seen } = through(state(["online"]), [{ point: "ups-a.load", measurement: good(40) }]);
    expect(seen["ups-a.load"]).toBe(40);
    const alone = through([{ point: "ups-a.load", measurement: good(40) }]);
    expect(Object.keys(alone.seen)).toEqual(["ups-a.load"]);
  });

  test.each([
    ["no-answer", 1],
    ["bus", 1],
    ["refused", 0],
  ] as const)("%s: states are bad and communication-lost is %i", (reason, lost) => {
    const silent = state([]).map(({ point }) => ({ point, measurement: bad(reason) }));
    const { seen } = through(state(["on-battery"]), silent);
    expect(seen).toMatchObject({
      "ups-a.on-battery": reason,
      "ups-a.low-battery": reason,
      "ups-a.communication-lost": lost,
    });
  });

  test("a test that could not be read does not hide a mains failure", () => {
    const batch = state(["on-battery"]).map((sample) =>
      sample.point.endsWith(".testing") ? { ...sample, measurement: bad("refused") } : sample,
    );
    expect(through(batch).seen["ups-a.on-battery"]).toBe(1);
  });
});

test("the APC profile and what the model adds have every role of a UPS", () => {
  const published = loadProfile("apc-smartups-990-9840").points.map(({ id }) => id);
  const roles = [...published, ...addedUpsFlags(published)];
  expect(roles).toEqual(expect.arrayContaining([...Object.keys(UPS_FLAGS), ...USUAL_UPS_VALUES]));
  expect(new Set(roles).size).toBe(roles.length);
  expect(addedUpsFlags(["power"])).toEqual([]);
});
