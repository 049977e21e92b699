import { z } from "zod";
import { block, says } from "../../contract/yaml-words.ts";
import type { DrillTimes } from "./hub-config.ts";
import type { ConfigSource } from "./source.ts";

const drillSchema = block("drill", {
  /** Day of the month; 28 is in every month. */
  day: z
    .int(says("day is a whole number, 1–28"))
    .min(1, says("day is 1–28, which every month has"))
    .max(28, says("day is 1–28, which every month has")),
  hour: z
    .int(says("hour is a whole number, 0–23"))
    .min(0, says("hour is 0–23"))
    .max(23, says("hour is 0–23")),
});

/** Checks `drill`; every problem is reported. Undefined when there is none. */
export function checkDrill(desk: {
  source: ConfigSource;
  raw: Readonly<Record<string, unknown>>;
}): DrillTimes | undefined {
  if (desk.raw.drill === undefined || desk.raw.drill === null) return undefined;
  return desk.source.parse(drillSchema, ["drill"]);
}
