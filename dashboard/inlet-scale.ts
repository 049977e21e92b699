import type { SiteModel } from "../contract/site.ts";

export type Band = SiteModel["inletBand"];
/** Cold c3…c1, inside the band n1…n4, warm w1…w3. Each is a colour in theme.css. */
export type Step = "c3" | "c2" | "c1" | "n1" | "n2" | "n3" | "n4" | "w1" | "w2" | "w3";

/** Share of the band where the neutral greys change: 20, 22 and 24.5 of 18–27 °C. */
const PLATEAU = [2 / 9, 4 / 9, 6.5 / 9] as const;
/** Share of the way from the band to the allowable limit where the first abnormal colour ends. */
const FIRST_WARM = 0.6;
const FIRST_COLD = 0.5;

export function stepOf(celsius: number, band: Band): Step {
  const { minC, maxC, lowC, highC } = band;
  if (celsius < lowC) return "c3";
  if (celsius < minC) return celsius < minC - (minC - lowC) * FIRST_COLD ? "c2" : "c1";
  if (celsius > highC) return "w3";
  if (celsius > maxC) return celsius > maxC + (highC - maxC) * FIRST_WARM ? "w2" : "w1";
  const share = (celsius - minC) / (maxC - minC);
  const at = PLATEAU.findIndex((end) => share < end);
  return (["n1", "n2", "n3", "n4"] as const)[at === -1 ? 3 : at] ?? "n4";
}

export function isInBand(celsius: number, band: Band): boolean {
  return celsius >= band.minC && celsius <= band.maxC;
}

/** Rounds for a small place without ever moving a value back into the band: 27.1 is shown as 28. */
export function wholeC(celsius: number, band: Band): string {
  const rounded =
    celsius > band.maxC
      ? Math.ceil(celsius)
      : celsius < band.minC
        ? Math.floor(celsius)
        : Math.round(celsius);
  return String(rounded).replace("-", "−");
}

/** One decimal, by the same rule: 27.04 is shown as 27.1. */
export function tenthC(celsius: number, band: Band): string {
  // The small allowance keeps 27.1, which floating point holds as 27.1000…1 tenths, at 27.1.
  const tenths = celsius * 10;
  const rounded =
    celsius > band.maxC
      ? Math.ceil(tenths - 1e-6)
      : celsius < band.minC
        ? Math.floor(tenths + 1e-6)
        : Math.round(tenths);
  return (rounded / 10).toFixed(1).replace("-", "−");
}

/** Where the abnormal colours begin, for the key on the floor plan. */
export function warmEdges({ maxC, highC }: Band): [number, number, number] {
  return [maxC, Math.round((maxC + (highC - maxC) * FIRST_WARM) * 10) / 10, highC];
}
