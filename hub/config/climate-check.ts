import { z } from "zod";
import { ASHRAE_CLASSES, ASHRAE_SETS, hasClass } from "../../contract/climate/ashrae.ts";
import { idSchema } from "../../contract/id-schema.ts";
import { block, says } from "../../contract/yaml-words.ts";
import { type Climate, USUAL_CLIMATE } from "../derived/climate.ts";
import { RULE_GROUPS, type RuleGroup } from "../standard-rules/groups.ts";
import type { ConfigSource } from "./source.ts";

const SHAPE = {
  set: z.enum(ASHRAE_SETS, says(`allowed: ${ASHRAE_SETS.join(", ")}`)).optional(),
  class: z.enum(ASHRAE_CLASSES, says(`allowed: ${ASHRAE_CLASSES.join(", ")}`)).optional(),
  altitudeM: z
    .number(says("altitudeM is a number of metres"))
    .min(-500, says("altitudeM is at least -500"))
    .max(3_050, says("ASHRAE's limits end at 3050 m"))
    .optional(),
  recommendedMaxRh: z.literal([70, 50], says("allowed: 70, or 50 with corrosive gases")).optional(),
  tape: z.boolean(says("tape is true or false")).optional(),
} as const;
const placeSchema = block("a place's climate", SHAPE);
const climateSchema = block("climate", {
  ...SHAPE,
  places: z.record(idSchema, placeSchema).optional(),
});
const groupsHelp = says(`allowed: true, or a list of ${RULE_GROUPS.join(", ")}`);
const groupsSchema = z.union(
  [z.literal(true), z.array(z.enum(RULE_GROUPS)).min(1).max(RULE_GROUPS.length)],
  groupsHelp,
);

interface Desk {
  source: ConfigSource;
  raw: Readonly<Record<string, unknown>>;
  /** Rooms and racks of the site. */
  places: ReadonlySet<string>;
}

/** Checks `climate`; every problem is reported. */
export function checkClimate({ source, raw, places }: Desk): Climate {
  if (raw.climate === undefined || raw.climate === null) return USUAL_CLIMATE;
  const text = source.parse(climateSchema, ["climate"]);
  if (!text) return USUAL_CLIMATE;
  const { places: other = {}, ...site } = defined(text);
  const climate: Climate = {
    ...{ ...USUAL_CLIMATE, ...defined(site) },
    places: Object.fromEntries(
      Object.entries(other).map(([place, its]) => [place, defined(its)] as const),
    ),
  };
  const wrong = (set: Climate["set"], name: Climate["class"], at: string[]) => {
    if (!hasClass(set, name))
      source.report(["climate", ...at], `${name} came with ashrae-2021; ${set} does not know it`);
  };
  wrong(climate.set, climate.class, ["class"]);
  for (const [place, its] of Object.entries(climate.places)) {
    if (!places.has(place))
      source.report(["climate", "places", place], `"${place}" is neither a room nor a rack`);
    const whole = { ...climate, ...its };
    if (its.set || its.class) wrong(whole.set, whole.class, ["places", place]);
  }
  return climate;
}

/** Checks `standardRules`: all groups, or the ones listed. */
export function checkStandardRules({ source, raw }: Omit<Desk, "places">): RuleGroup[] {
  const { standardRules } = raw;
  if (standardRules === undefined || standardRules === null || standardRules === false) return [];
  const text = source.parse(groupsSchema, ["standardRules"]);
  if (!text) return [];
  return text === true ? [...RULE_GROUPS] : [...new Set(text)];
}

/** Without the keys that are not said. */
function defined<T extends object>(text: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(text).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
