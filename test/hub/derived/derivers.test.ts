import { describe, expect, test } from "vitest";
import { upsFromNut } from "../../../edge/ups/nut.ts";
import { ashraeState, ashraeStates } from "../../../hub/derived/ashrae-state.ts";
import { breakerLoads } from "../../../hub/derived/breaker-load.ts";
import { climateOf, USUAL_CLIMATE } from "../../../hub/derived/climate.ts";
import { coolingFight, coolingFights } from "../../../hub/derived/cooling-fight.ts";
import { coolingRedundancies, redundancy } from "../../../hub/derived/cooling-redundancy.ts";
import { CoolingWatch, coolingConditions } from "../../../hub/derived/cooling-unit.ts";
import { dewMargins } from "../../../hub/derived/dew-margin.ts";
import { dewPoints } from "../../../hub/derived/dew-point.ts";
import { doorHours } from "../../../hub/derived/door-hours.ts";
import { loadsAlone } from "../../../hub/derived/feed-loss.ts";
import { isWithin, parseHours } from "../../../hub/derived/opening-hours.ts";
import { imbalancePercent, phaseImbalances } from "../../../hub/derived/phase-imbalance.ts";
import { UPS_STATES, upsProtection } from "../../../hub/derived/ups-protection.ts";
import { derived, type Offered, SITE, say } from "./scene.ts";

const RACK: Offered = {
  "a01.inlet-top": "temperature",
  "a01.inlet-mid": "temperature",
  "a01.humidity": "humidity",
};

describe("dew point", () => {
  test("air of 25 °C and 50 % has a dew point of 13.9 °C", () => {
    const point = derived(dewPoints, RACK).get("a01.dew-point");
    expect(say(point, { "a01.inlet-top": 25, "a01.humidity": 50 })).toBeCloseTo(13.85, 1);
  });
  test("is not available while either sensor is not known, or without humidity at 0 %", () => {
    const point = derived(dewPoints, RACK).get("a01.dew-point");
    expect(say(point, { "a01.inlet-top": 25 })).toBe("not-available");
    expect(say(point, { "a01.humidity": 50 })).toBe("not-available");
    expect(say(point, { "a01.inlet-top": 25, "a01.humidity": 0 })).toBe("not-available");
  });
  test("is not derived where the device says it itself", () => {
    const offered: Offered = { ...RACK, "a01.dew": "dewPoint" };
    expect(derived(dewPoints, offered).size).toBe(0);
  });
  test("the margin is from the coldest supply to the dampest air", () => {
    const offered: Offered = {
      ...{ ...RACK, "a02.inlet-top": "temperature", "a02.humidity": "humidity" },
      ...{ "crah-1.supply": "temperature", "crah-2.supply": "temperature" },
      "crah-1.supply-setpoint": "temperature",
    };
    const margin = derived(dewMargins, offered).get("hall-a.dew-margin");
    const values = {
      ...{ "a01.inlet-top": 25, "a01.humidity": 50, "a02.inlet-top": 20, "a02.humidity": 50 },
      ...{ "crah-1.supply": 18, "crah-2.supply": 16, "crah-1.supply-setpoint": 2 },
    };
    expect(say(margin, values)).toBeCloseTo(16 - 13.85, 1);
    const { "crah-1.supply": _1, "crah-2.supply": _2, ...blind } = values;
    expect(say(margin, blind)).toBe("not-available");
  });
});

describe("ASHRAE state", () => {
  const judge = (inletsC: (number | undefined)[], humidityRh?: number, airC = inletsC[0]) => {
    const humid = humidityRh === undefined ? null : { airC, humidityRh };
    const state = ashraeState(USUAL_CLIMATE, { inletsC, humid });
    return state.quality === "good" ? state.value : state.quality;
  };
  test.each([
    ["20 °C 50 %", 0, judge([20, 22], 50)],
    ["both limits are inclusive: 18 °C 70 %", 0, judge([18], 70)],
    ["27.1 °C is warmer than recommended", 11, judge([22, 27.1], 45)],
    ["32.1 °C leaves class A1", 21, judge([22, 32.1], 45)],
    ["17 °C", 12, judge([17], 50)],
    ["25 °C 55 % is above 15 °C dew point", 13, judge([25], 55)],
    ["20 °C 8 % is drier than -12 °C dew point", 24, judge([20], 8)],
    ["25 °C 100 %", 23, judge([25], 100)],
    ["without humidity the temperature alone", 0, judge([22])],
    ["a lost sensor does not hide the heat at another", 21, judge([undefined, 33], 45)],
    ["with a lost sensor nobody can say it is well", "bad", judge([undefined, 22], 45, 22)],
    ["with a lost sensor it may be worse than warm", "bad", judge([undefined, 28], 45, 28)],
  ])("%s", (_, expected, found) => expect(found).toBe(expected));
  test("a rack may have another class than its room, at the site's altitude", () => {
    const climate = {
      ...{ ...USUAL_CLIMATE, altitudeM: 1_500 },
      places: { "hall-a": { class: "A2" as const }, a02: { class: "A3" as const } },
    };
    expect(climateOf(climate, "hall-a", "a01")).toMatchObject({ class: "A2", altitudeM: 1_500 });
    expect(climateOf(climate, "hall-a", "a02").class).toBe("A3");
    expect(say(derived(ashraeStates, RACK).get("a01.ashrae"), { "a01.inlet-top": 33 })).toBe(
      "too warm for its equipment",
    );
  });
});

describe("UPS protection", () => {
  const fromNut = (status: string) => {
    const flags = upsFromNut(new Map([["ups.status", status]]), []);
    const state = upsProtection(new Set(flags.keys()), (role) => {
      const flag = flags.get(role as never);
      return flag?.quality === "good" ? flag.value : undefined;
    });
    return state.quality === "good" ? UPS_STATES[state.value] : state.quality;
  };
  test.each([
    ["OL", UPS_STATES[0]],
    ["OL CHRG", UPS_STATES[0]],
    ["OB DISCHRG", UPS_STATES[1]],
    ["OB LB", UPS_STATES[2]],
    ["FSD OB LB", UPS_STATES[2]],
    ["OL BYPASS", UPS_STATES[3]],
    ["OL OVER", UPS_STATES[4]],
    ["OFF OL", UPS_STATES[5]],
    ["CAL OB", UPS_STATES[6]],
    ["OL RB", UPS_STATES[7]],
    ["OL LB", UPS_STATES[0]],
    ["ALARM OL", UPS_STATES[0]],
    ["WAIT", "bad"],
    ["", "bad"],
  ])("NUT's %s", (status, expected) => expect(fromNut(status)).toBe(expected));
  test("silence is no communication, and an unknown battery is not protection", () => {
    const offered = new Set(["communication-lost", "on-battery", "bypass"]);
    const of = (known: Record<string, number>) => upsProtection(offered, (role) => known[role]);
    expect(of({ "communication-lost": 1 })).toMatchObject({ value: 8 });
    expect(of({ "communication-lost": 0, bypass: 0 }).quality).toBe("bad");
    expect(of({ "communication-lost": 0, bypass: 1 })).toMatchObject({ value: 3 });
  });
});

describe("cooling", () => {
  const RUNS = { running: 1, fan: 60, deltaC: 9, output: 50 };
  const code = (watch: CoolingWatch, signs: Partial<typeof RUNS>, atS: number) => {
    const found = watch.judge({ ...RUNS, ...signs }, atS * 1_000);
    return found.quality === "good" ? found.value : found.quality;
  };
  test("a unit cools, stands still, or runs without air", () => {
    const watch = new CoolingWatch();
    expect(code(watch, {}, 0)).toBe(0);
    expect(code(watch, { running: 0 }, 1)).toBe(1);
    expect(code(watch, { fan: 3 }, 2)).toBe(2);
  });
  test("1.5 °C between return and supply says so after 10 min, not before, and not while it idles", () => {
    const watch = new CoolingWatch();
    expect(code(watch, { deltaC: 1.5 }, 0)).toBe(0);
    expect(code(watch, { deltaC: 1.5 }, 599)).toBe(0);
    expect(code(watch, { deltaC: 1.5 }, 600)).toBe(3);
    expect(code(watch, { deltaC: 1.5, output: 0 }, 700)).toBe(0);
  });
  test("the 7th start within an hour is too often, the 6th is not", () => {
    const watch = new CoolingWatch();
    code(watch, { running: 0 }, 0);
    for (let start = 1; start <= 6; start += 1) {
      expect(code(watch, {}, start * 400)).toBe(0);
      code(watch, { running: 0 }, start * 400 + 200);
    }
    expect(code(watch, {}, 2_800)).toBe(4);
    expect(code(watch, {}, 4_100)).toBe(0);
  });
  test("a unit that does not answer is not known to cool", () => {
    expect(new CoolingWatch().judge({ ...RUNS, running: undefined }, 0).quality).toBe("bad");
    const point = derived(coolingConditions, { "crah-1.running": "flag" }).get("crah-1.condition");
    expect(say(point, { "crah-1.running": 1 })).toBe("cools");
    expect(say(point, {})).toBe("not-available");
  });
  const unit = {
    ...{ running: 1, humidifies: undefined, dries: undefined, heats: undefined, supplyC: 18 },
  };
  test.each([
    [0, [unit, unit]],
    [
      1,
      [
        { ...unit, humidifies: 1 },
        { ...unit, dries: 1 },
      ],
    ],
    [
      0,
      [
        { ...unit, humidifies: 1 },
        { ...unit, running: 0, dries: 1 },
      ],
    ],
    [2, [{ ...unit, heats: 1 }, unit]],
    [3, [unit, { ...unit, supplyC: 26.1 }]],
    [0, [unit, { ...unit, supplyC: 26 }]],
  ])("two units: state %i", (expected, units) => {
    expect(coolingFight(units)).toEqual({ quality: "good", value: expected });
  });
  test("fighting is only judged while every unit says whether it runs", () => {
    expect(coolingFight([unit, { ...unit, running: undefined }]).quality).toBe("bad");
    const offered: Offered = { "crah-1.running": "flag", "crah-2.running": "flag" };
    expect([...derived(coolingFights, offered).keys()]).toEqual(["hall-a.cooling-fight"]);
  });
  test.each<[string, (number | undefined)[], number | undefined]>([
    ["three of three run", [1, 1, 1], 0],
    ["one is lost", [1, 1, 0], 1],
    ["two are lost", [1, 0, 0], 2],
    ["one does not answer: spare or not is not known", [1, 1, undefined], undefined],
    ["two are lost whatever the third does", [0, 0, undefined], 2],
  ])("two needed, %s", (_, running, expected) => {
    const found = redundancy(2, running);
    expect(found.quality === "good" ? found.value : undefined).toBe(expected);
  });
  test("a room needs all but one unless it says otherwise, and every unit must be readable", () => {
    const offered: Offered = {
      ...{ "crah-1.running": "flag", "crah-2.running": "flag", "crah-3.running": "flag" },
    };
    const values = { "crah-1.running": 1, "crah-2.running": 1, "crah-3.running": 0 };
    const of = (site = SITE) =>
      say(derived(coolingRedundancies, offered, site).get("hall-a.cooling-redundancy"), values);
    expect(of()).toBe("no spare unit left");
    const rooms = SITE.rooms.map((room) => ({ ...room, coolingNeeded: 1 }));
    expect(of({ ...SITE, rooms })).toBe("one more than needed");
    const { "crah-3.running": _, ...fewer } = offered;
    expect(derived(coolingRedundancies, fewer).size).toBe(0);
  });
});

describe("power", () => {
  const currents = (place: string): Offered => ({
    ...{ [`${place}.current-l1`]: "current", [`${place}.current-l2`]: "current" },
    [`${place}.current-l3`]: "current",
  });
  test("10, 10 and 4 A are 50 % apart from their mean; below 2 A nobody is bothered", () => {
    expect(imbalancePercent([10, 10, 4])).toBeCloseTo(50);
    expect(imbalancePercent([0.2, 0, 0])).toBeLessThan(7);
    const point = derived(phaseImbalances, currents("pdu-a")).get("pdu-a.phase-imbalance");
    expect(say(point, { "pdu-a.current-l1": 1, "pdu-a.current-l2": 1 })).toBe("not-available");
  });
  test("a breaker of 32 A with 25.6 A on its fullest phase is 80 % full", () => {
    const point = derived(breakerLoads, currents("pdu-a")).get("pdu-a.breaker-load");
    const values = { "pdu-a.current-l1": 5, "pdu-a.current-l2": 25.6, "pdu-a.current-l3": 1 };
    expect(say(point, values)).toBeCloseTo(80);
    expect(derived(breakerLoads, currents("ups-a")).size).toBe(0);
  });
  test("UPS A at 55 % would carry 105 % without UPS B at 50 %", () => {
    const offered: Offered = { "ups-a.load": "load", "ups-b.load": "load" };
    const point = derived(loadsAlone, offered).get("ups-a.load-alone");
    expect(say(point, { "ups-a.load": 55, "ups-b.load": 50 })).toBeCloseTo(105);
    expect(say(point, { "ups-a.load": 55 })).toBe("not-available");
  });
  test("PDU A takes over phase by phase what PDU B carries for the racks on both", () => {
    const point = derived(loadsAlone, { ...currents("pdu-a"), ...currents("pdu-b") });
    const values = {
      ...{ "pdu-a.current-l1": 16, "pdu-a.current-l2": 8, "pdu-a.current-l3": 8 },
      ...{ "pdu-b.current-l1": 16, "pdu-b.current-l2": 4, "pdu-b.current-l3": 4 },
    };
    expect(say(point.get("pdu-a.load-alone"), values)).toBeCloseTo(100);
  });
});

describe("doors", () => {
  const hours = [parseHours("Mo-Fr 07:00-18:00")!];
  const night = [parseHours("Sa 22:00-06:00")!];
  const at = (text: string) => Date.parse(text);
  test.each([
    ["Monday 07:00 in Helsinki", hours, "2026-01-05T05:00:00Z", true],
    ["Monday 06:59", hours, "2026-01-05T04:59:00Z", false],
    ["Friday 18:00", hours, "2026-01-09T16:00:00Z", false],
    ["Saturday noon", hours, "2026-01-10T10:00:00Z", false],
    ["in summer an hour earlier by UTC", hours, "2026-07-06T04:00:00Z", true],
    ["Saturday 23:00 of a night shift", night, "2026-01-10T21:00:00Z", true],
    ["Sunday 05:00 of the same night", night, "2026-01-11T03:00:00Z", true],
    ["Sunday 23:00", night, "2026-01-11T21:00:00Z", false],
  ])("%s", (_, times, when, expected) => {
    expect(isWithin(times, at(when), "Europe/Helsinki")).toBe(expected);
  });
  test("an open door is after hours on Saturday, and not known without its contact", () => {
    const point = derived(doorHours, { "door-a1.open": "flag" }).get("door-a1.after-hours");
    const saturday = at("2026-01-10T10:00:00Z");
    expect(say(point, { "door-a1.open": 1 }, saturday)).toBe(1);
    expect(say(point, { "door-a1.open": 0 }, saturday)).toBe(0);
    expect(say(point, { "door-a1.open": 1 }, at("2026-01-05T10:00:00Z"))).toBe(0);
    expect(say(point, {}, saturday)).toBe("not-available");
  });
});
