import type { z } from "zod";
import { block } from "../../contract/yaml-words.ts";
import { amount } from "../config/words.ts";

/** Below, the steps of the smallest chip would be too coarse to set. */
const LEAST_V = 0.0005;

/** Options of a chip that measures current by the voltage over a shunt of at most `limitV`. */
export function shuntOptions(model: string, limitV: number) {
  const message = `does not fit the shunt; for an ${model} shuntOhm × maxA is ${LEAST_V}–${limitV} V`;
  return block(`an ${model}`, {
    shuntOhm: amount("the shunt in Ω,", 0.00001, 100),
    /** The largest current to be measured; it sets the steps. */
    maxA: amount("the largest current in A,", 0.001, 10_000),
  })
    .refine(
      ({ shuntOhm, maxA }) =>
        shuntOhm * maxA >= LEAST_V * 0.9999 && shuntOhm * maxA <= limitV * 1.0001,
      { error: message, path: ["maxA"] },
    )
    .meta({ examples: [{ shuntOhm: 0.01, maxA: 4 }] });
}
export type ShuntOptions = z.output<ReturnType<typeof shuntOptions>>;

export const POWER_CHANNELS = { voltage: "voltage", current: "current", power: "power" } as const;
