import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Measurement } from "../../../contract/reading.ts";
import { ALL_UPS_VALUES } from "../../../edge/poll/nut-loop.ts";
import { UPS_FLAGS } from "../../../edge/ups/model.ts";
import { upsFromNut } from "../../../edge/ups/nut.ts";

const shown = (m: Measurement | undefined) => (m?.quality === "bad" ? m.reason : m?.value);

function flags(status: string) {
  const ups = upsFromNut(new Map([["ups.status", status]]), []);
  return Object.fromEntries([...ups].map(([role, m]) => [role, shown(m)]));
}

const CALM = {
  online: 1,
  "on-battery": 0,
  "low-battery": 0,
  "shutdown-imminent": 0,
  bypass: 0,
  overload: 0,
  "output-off": 0,
  "replace-battery": 0,
  testing: 0,
  "communication-lost": 0,
};
const ON_BATTERY = { ...CALM, online: 0, "on-battery": 1 };
const EMPTY = { ...ON_BATTERY, "low-battery": 1, "shutdown-imminent": 1 };
const NO_INPUT = { ...CALM, online: "not-available", "on-battery": "not-available" };
const all = (reason: string) =>
  Object.fromEntries(Object.keys(UPS_FLAGS).map((role) => [role, reason]));

describe("a status of NUT", () => {
  test.each([
    ["OL", CALM],
    ["OL CHRG", CALM],
    ["CHRG OL", CALM],
    ["OB DISCHRG", ON_BATTERY],
    ["OB LB", EMPTY],
    ["LB DISCHRG OB", EMPTY],
    ["FSD OB LB", EMPTY],
    ["FSD OL", { ...CALM, "shutdown-imminent": 1 }],
    ["OL LB", CALM],
    ["OL BYPASS", { ...CALM, bypass: 1 }],
    ["OL OVER", { ...CALM, overload: 1 }],
    ["OL RB", { ...CALM, "replace-battery": 1 }],
    ["OL TRIM", CALM],
    ["ALARM OL", CALM],
    ["CAL OB", { ...CALM, online: 0, testing: 1 }],
    ["OB DISCHRG CAL LB", { ...CALM, online: 0, testing: 1 }],
    ["TEST OB", { ...CALM, online: 0, testing: 1 }],
    ["OL TEST", { ...CALM, testing: 1 }],
    ["CAL FSD OB LB", { ...CALM, online: 0, testing: 1, "shutdown-imminent": 1 }],
    ["  OL   CHRG ", CALM],
    ["OL ECO HE-MODE", CALM],
    ["OL OB", ON_BATTERY],
    ["BYPASS", { ...NO_INPUT, bypass: 1 }],
    ["OFF", { ...NO_INPUT, "output-off": 1 }],
    ["OL OFF", { ...CALM, "output-off": 1 }],
    ["OL HB", CALM],
    ["OL BOOST", CALM],
    ["LB", { ...NO_INPUT, "low-battery": "not-available", "shutdown-imminent": "not-available" }],
    ["WAIT", all("not-ready")],
    ["OL WAIT", all("not-ready")],
    ["", all("not-available")],
    ["  ", all("not-available")],
    ["ECO", all("not-available")],
    ["ol", all("not-available")],
  ])('"%s" is told apart', (status, expected) => {
    expect(flags(status)).toEqual(expected);
  });

  test("is missing: nothing is known of the states", () => {
    const ups = upsFromNut(new Map([["ups.load", "12"]]), ["load"]);
    expect(shown(ups.get("on-battery"))).toBe("unsupported");
    expect(shown(ups.get("load"))).toBe(12);
  });
});

test("values of NUT are V, %, s and °C already; what is no number is bad", () => {
  const ups = upsFromNut(
    new Map([
      ["ups.status", "OL"],
      ["ups.load", " 42.5"],
      ["battery.charge", "100"],
      ["battery.runtime", "3600"],
      ["input.voltage", ""],
      ["output.voltage", "n/a"],
      ["battery.temperature", "-5.0"],
    ]),
    ALL_UPS_VALUES,
  );
  expect(Object.fromEntries([...ups].map(([role, m]) => [role, shown(m)]))).toMatchObject({
    load: 42.5,
    charge: 100,
    runtime: 3_600,
    "input-voltage": "not-available",
    "output-voltage": "not-available",
    "battery-voltage": "unsupported",
    "battery-temperature": -5,
  });
});

test("order and unknown words change nothing, and no status alarms by chance", () => {
  const known = fc.subarray(["OL", "OB", "LB", "RB", "BYPASS", "OVER", "CAL", "TEST", "FSD"]);
  const strange = fc.array(fc.stringMatching(/^[A-Z]{3,8}[0-9]$/), { maxLength: 3 });
  fc.assert(
    fc.property(known, strange, fc.infiniteStream(fc.nat()), (tokens, extra, numbers) => {
      const keyed = [...tokens, ...extra].map((token) => ({ token, key: numbers.next().value }));
      const mixed = keyed.sort((a, b) => a.key - b.key).map(({ token }) => token);
      const state = flags(mixed.join(" "));
      expect(state).toEqual(flags(tokens.join(" ")));
      if (tokens.includes("CAL") || tokens.includes("TEST"))
        expect(state["on-battery"]).not.toBe(1);
      if (!tokens.includes("OB")) expect(state["low-battery"]).not.toBe(1);
    }),
  );
  fc.assert(
    fc.property(fc.string(), (text) => {
      for (const m of upsFromNut(new Map([["ups.load", text]]), ["load"]).values())
        expect(m.quality === "bad" || Number.isFinite(m.value)).toBe(true);
    }),
  );
});

test("a UPS with three phases gives each of them, and a single-phase one does not invent them", () => {
  const three = new Map([
    ["ups.status", "OL"],
    ["input.L1-N.voltage", "231.4"],
    ["input.L2-N.voltage", "229.8"],
    ["output.L3-N.voltage", "230.0"],
    ["output.L2.current", "18.5"],
    ["output.L1.power.percent", "41"],
    ["ups.realpower", "12400"],
    ["output.frequency", "50.0"],
  ]);
  const of = (variables: Map<string, string>) =>
    Object.fromEntries(
      [...upsFromNut(variables, ALL_UPS_VALUES)].map(([role, m]) => [role, shown(m)]),
    );
  expect(of(three)).toMatchObject({
    "input-voltage": "unsupported",
    "input-voltage-l1": 231.4,
    "input-voltage-l2": 229.8,
    "input-voltage-l3": "unsupported",
    "output-voltage-l3": 230,
    "output-current-l2": 18.5,
    "load-l1": 41,
    power: 12_400,
    frequency: 50,
  });
  const one = of(new Map([["input.voltage", "230"]]));
  expect(one["input-voltage"]).toBe(230);
  expect(one["input-voltage-l1"]).toBe("unsupported");
});
