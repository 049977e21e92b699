import { expect, test } from "vitest";
import { isInBand, stepOf, tenthC, warmEdges, wholeC } from "../../dashboard/inlet-scale.ts";

const BAND = { minC: 18, maxC: 27, lowC: 15, highC: 32 };

test.each([
  [14.9, "c3"],
  [15, "c2"],
  [16.4, "c2"],
  [16.5, "c1"],
  [17.9, "c1"],
  [18, "n1"],
  [19.9, "n1"],
  [20, "n2"],
  [21.9, "n2"],
  [22, "n3"],
  [24.4, "n3"],
  [24.5, "n4"],
  [27, "n4"],
  [27.1, "w1"],
  [30, "w1"],
  [30.1, "w2"],
  [32, "w2"],
  [32.1, "w3"],
])("%f °C has colour step %s in the band 18–27", (celsius, step) => {
  expect(stepOf(celsius, BAND)).toBe(step);
});

test.each([
  [27.1, "28"],
  [27.001, "28"],
  [27, "27"],
  [26.5, "27"],
  [18, "18"],
  [17.99, "17"],
  [-3.2, "−4"],
])("%f °C is shown as %s, never rounded back into the band", (celsius, text) => {
  expect(wholeC(celsius, BAND)).toBe(text);
});

test.each([
  [27.04, "27.1"],
  [27.1, "27.1"],
  [31.8, "31.8"],
  [32.6, "32.6"],
  [17.96, "17.9"],
  [26.96, "27.0"],
])("%f °C is shown as %s with one decimal", (celsius, text) => {
  expect(tenthC(celsius, BAND)).toBe(text);
});

test("what is shown outside the band is outside the band, for every hundredth of a degree", () => {
  for (let c = 1_000; c <= 4_000; c++) {
    const celsius = c / 100;
    if (isInBand(celsius, BAND)) continue;
    expect(isInBand(Number(wholeC(celsius, BAND)), BAND), `${celsius} whole`).toBe(false);
    expect(isInBand(Number(tenthC(celsius, BAND)), BAND), `${celsius} tenth`).toBe(false);
  }
});

test("the key of a 20–25 °C band names that band's own edges", () => {
  expect(warmEdges({ minC: 20, maxC: 25, lowC: 16, highC: 30 })).toEqual([25, 28, 30]);
});
