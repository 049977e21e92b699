import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  ASHRAE_CLASSES,
  type AshraeClass,
  allowableEnvelope,
  type ClimateRules,
  excesses,
  recommendedEnvelope,
} from "../../../contract/climate/ashrae.ts";
import { absoluteHumidity, dewPointC } from "../../../contract/climate/psychrometrics.ts";

const rules = (over: Partial<ClimateRules> = {}): ClimateRules => ({
  ...{ set: "ashrae-2021", class: "A1", altitudeM: 0, recommendedMaxRh: 70 },
  ...over,
});
const air = (airC: number, humidityRh: number) => ({
  airC,
  humidityRh,
  dewC: dewPointC(airC, humidityRh),
});

/** Air, dew point, g/m³, within the recommended set, first class that allows it. */
const AIR: [number, number, number, number, boolean, AshraeClass | null][] = [
  [20, 50, 9.255, 8.621, true, "A1"],
  [25, 50, 13.852, 11.483, true, "A1"],
  [18, 70, 12.444, 10.727, true, "A1"],
  [27, 10, -7.247, 2.568, true, "A1"],
  [20, 8, -15.337, 1.379, false, null],
  [32, 17, 3.89, 5.728, false, "A1"],
  [0, 100, 0, 4.848, false, null],
  [25, 100, 25, 22.966, false, null],
];

describe("air of a known state", () => {
  test.each(AIR)("%f °C and %f %%", (airC, rh, dewC, gramsM3, recommended, smallest) => {
    expect(dewPointC(airC, rh)).toBeCloseTo(dewC, 2);
    expect(absoluteHumidity(airC, rh)).toBeCloseTo(gramsM3, 2);
    expect(excesses(recommendedEnvelope(rules()), air(airC, rh)).length === 0).toBe(recommended);
    const allowed = (["A1", "A2", "A3", "A4"] as const).find(
      (name) => excesses(allowableEnvelope(rules({ class: name })), air(airC, rh)).length === 0,
    );
    expect(allowed ?? null).toBe(smallest);
  });
});

test("the dew point is never above the air, and there is none at 0 % or outside −45…60 °C", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -45, max: 60, noNaN: true }),
      fc.double({ min: 0.01, max: 140, noNaN: true }),
      (airC, rh) => {
        const dewC = dewPointC(airC, rh);
        expect(dewC).toBeLessThanOrEqual(airC);
      },
    ),
  );
  expect(dewPointC(20, 0)).toBeUndefined();
  expect(dewPointC(20, -1)).toBeUndefined();
  expect(dewPointC(61, 50)).toBeUndefined();
  expect(dewPointC(20, 104)).toBe(20);
});

const DERATED: [number, number, number, number, number][] = [
  [0, 32, 35, 40, 45],
  [900, 32, 35, 40, 45],
  [1_500, 30, 33, 36.57, 40.2],
  [2_400, 27, 30, 31.43, 33],
  [3_050, 24.83, 27.83, 27.71, 27.8],
];
test.each(DERATED)("at %i m the classes allow up to %f, %f, %f and %f °C", (altitudeM, ...maxC) => {
  const found = ASHRAE_CLASSES.slice(0, 4).map(
    (name) => allowableEnvelope(rules({ class: name, altitudeM })).maxC,
  );
  found.forEach((value, index) => {
    expect(value).toBeCloseTo(maxC[index]!, 2);
  });
});

test("above 2400 m the derated maximum bounds what is recommended", () => {
  expect(recommendedEnvelope(rules({ altitudeM: 2_400 })).maxC).toBe(27);
  expect(recommendedEnvelope(rules({ altitudeM: 3_050 })).maxC).toBeCloseTo(24.83, 2);
});

const LIMITS: [string, ClimateRules, number, number, string[]][] = [
  ["70 % at 18 °C is inside", rules(), 18, 70, []],
  ["70.1 % at 18 °C is damp", rules(), 18, 70.1, ["damp"]],
  ["60 % at 18 °C is damp where gases corrode", rules({ recommendedMaxRh: 50 }), 18, 60, ["damp"]],
  ["61 % is damp in the 2015 set", rules({ set: "ashrae-2015" }), 20, 61, ["damp"]],
  ["20 % at 22 °C is dry in the 2011 set", rules({ set: "ashrae-2011" }), 22, 20, ["dry"]],
  ["20 % at 22 °C is inside in the 2015 set", rules({ set: "ashrae-2015" }), 22, 20, []],
  ["48.5 % at 27 °C is damp by its dew point", rules(), 27, 48.5, ["damp"]],
  ["27.1 °C is warm", rules(), 27.1, 40, ["warm"]],
  ["17.9 °C is cold", rules(), 17.9, 50, ["cold"]],
  ["23 °C is warm for H1", rules({ class: "H1" }), 23, 40, ["warm"]],
  ["air at 0 % is dry", rules(), 22, 0, ["dry"]],
];
test.each(LIMITS)("%s", (_name, climate, airC, rh, found) => {
  expect(excesses(recommendedEnvelope(climate), air(airC, rh))).toEqual(found);
});

test("the 2011 set allows 20 to 80 % in A1, the later ones from 8 %", () => {
  const air19 = air(25, 19);
  expect(excesses(allowableEnvelope(rules({ set: "ashrae-2011" })), air19)).toEqual(["dry"]);
  expect(excesses(allowableEnvelope(rules()), air19)).toEqual([]);
});

test("without humidity only the temperature is judged", () => {
  expect(excesses(recommendedEnvelope(rules()), { airC: 30 })).toEqual(["warm"]);
});
