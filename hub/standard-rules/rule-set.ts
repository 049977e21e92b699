import type { Condition } from "../../contract/alarm/rule.ts";
import {
  allowableEnvelope,
  type ClimateRules,
  recommendedEnvelope,
  SWING_LIMITS,
} from "../../contract/climate/ashrae.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { Climate } from "../derived/climate.ts";
import type { RuleGroup } from "./groups.ts";
import * as does from "./runbooks.ts";

export interface StandardDeps {
  site: SiteModel;
  climate: Climate;
  /** Who is told. */
  receivers: readonly string[];
}

export interface StandardRule extends SiteRule {
  group: RuleGroup;
}

const S = 1_000;
const MIN = 60_000;

type Draft = Pick<SiteRule, "id" | "points" | "title" | "runbook" | "priority" | "condition"> &
  Partial<Pick<SiteRule, "onDelayMs" | "offDelayMs" | "latch" | "nodes">>;

const is = (...codes: number[]): Condition => ({
  kind: "digital",
  equals: codes.length === 1 ? codes[0]! : codes,
});
const above = (limit: number, deadband: number): Condition => ({
  ...{ kind: "limit", above: limit, deadband },
});
const below = (limit: number, deadband: number): Condition => ({
  ...{ kind: "limit", below: limit, deadband },
});
/** Delays in seconds: how long it must last, and how long it must be over. */
const delays = (onS: number, offS: number) => ({ onDelayMs: onS * S, offDelayMs: offS * S });

/** The ready-made rules of these groups. Each only makes alarms for points that exist. */
export function standardRules(
  groups: readonly RuleGroup[],
  { site, climate, receivers }: StandardDeps,
): StandardRule[] {
  const drafts: Record<RuleGroup, Draft[]> = {
    climate: climateRules(climate),
    cooling: coolingRules(site),
    power: powerRules(site),
    ups: upsRules(),
    generator: generatorRules(site),
    leak: leakRules(),
    doors: doorRules(),
    sensors: sensorRules(site),
    devices: deviceRules(),
  };
  return groups.flatMap((group) =>
    drafts[group]
      .filter(({ points, nodes = [] }) => points.length + nodes.length > 0)
      .map((draft) => ({
        ...{ nodes: [], onDelayMs: 0, offDelayMs: 0, latch: false, ...draft },
        ...{ group, receivers: [...receivers] },
      })),
  );
}

const INLETS = ["*.inlet", "*.inlet-*"];

function climateRules(climate: Climate): Draft[] {
  const everywhere: ClimateRules[] = [
    climate,
    ...Object.values(climate.places).map((place) => ({ ...climate, ...place })),
  ];
  const differs = everywhere.length > 1;
  const highest = Math.max(...everywhere.map((rules) => allowableEnvelope(rules).maxC));
  const lowest = Math.min(...everywhere.map((rules) => allowableEnvelope(rules).minC));
  const warm = Math.min(recommendedEnvelope(climate).maxC, highest);
  const swings = SWING_LIMITS[climate.tape ? "tape" : "other"];
  const inlet = { points: INLETS, title: "{label} {value}", ...delays(60, 60) };
  return [
    {
      ...{ ...inlet, id: "inlet-critical", priority: 1, runbook: does.INLET_CRITICAL },
      ...{ condition: above(round(highest), 0.5), onDelayMs: 15 * S },
    },
    {
      ...{ ...inlet, id: "inlet-high", priority: 3, runbook: does.INLET_HIGH },
      condition: above(round(warm), 0.5),
    },
    {
      ...{ ...inlet, id: "inlet-low", priority: 3, runbook: does.INLET_LOW },
      condition: below(lowest, 0.5),
    },
    ...swings.map(
      ({ above: most, windowMs }): Draft => ({
        ...{ ...inlet, id: `inlet-swing-${windowMs / MIN}m`, priority: 3 },
        ...{ runbook: does.SWING, title: "{label} changes fast" },
        condition: { kind: "swing", above: most, windowMs },
      }),
    ),
    {
      ...{ id: "air-outside", points: ["*.ashrae"], title: "{place} air is {value}", priority: 3 },
      // The temperature is judged at each inlet, unless racks bear different ones.
      ...{ condition: differs ? is(21, 22, 23, 24) : is(23, 24), ...delays(120, 120) },
      runbook: does.HUMIDITY,
    },
    {
      ...{ id: "air-not-recommended", points: ["*.ashrae"], title: "{place} air is {value}" },
      ...{ condition: is(13, 14), priority: 4, ...delays(1_800, 300), runbook: does.HUMIDITY },
    },
    {
      ...{ id: "condensation", points: ["*.dew-margin"], priority: 2 },
      title: "{place}: air is {value} from condensing on cold surfaces",
      ...{ condition: below(2, 0.5), ...delays(120, 120), runbook: does.CONDENSATION },
    },
  ];
}

const round = (limit: number): number => Math.round(limit * 10) / 10;

function coolingRules({ rooms }: SiteModel): Draft[] {
  const units = rooms.flatMap(({ cooling }) => cooling.map(({ id }) => id));
  const of = (role: string) => units.map((id) => `${id}.${role}`);
  const redundancy = { points: ["*.cooling-redundancy"], offDelayMs: 60 * S };
  return [
    {
      ...{ id: "cooling-stopped", points: of("running"), title: "{place} stopped", priority: 2 },
      ...{ condition: is(0), ...delays(10, 30), runbook: does.COOLING_STOPPED },
    },
    {
      ...{ id: "cooling-fails", points: of("condition"), title: "{place} {value}", priority: 2 },
      ...{ condition: is(2, 3, 4), ...delays(60, 60), runbook: does.COOLING_FAILS },
    },
    {
      ...{ id: "return-high", points: of("return"), title: "{label} {value}", priority: 3 },
      ...{ condition: above(40, 1), ...delays(300, 60), runbook: does.RETURN_HIGH },
    },
    {
      ...{ ...redundancy, id: "cooling-no-spare", title: "{place}: no spare cooling unit left" },
      ...{ condition: is(1), priority: 3, onDelayMs: 60 * S, runbook: does.NO_SPARE },
    },
    {
      ...{ ...redundancy, id: "cooling-too-little", title: "{place}: too few cooling units run" },
      ...{ condition: is(2), priority: 1, onDelayMs: 30 * S, runbook: does.TOO_LITTLE_COOLING },
    },
    {
      ...{ id: "cooling-fight", points: ["*.cooling-fight"], priority: 4 },
      title: "{place}: cooling units work against each other ({value})",
      ...{ condition: is(1, 2, 3), ...delays(900, 300), runbook: does.FIGHT },
    },
  ];
}

function powerRules({ power }: SiteModel): Draft[] {
  const mains = power.filter(({ kind }) => kind === "utility").map(({ id }) => id);
  const lost = { condition: below(90, 10), priority: 2, ...delays(3, 30) } as const;
  return [
    {
      ...{ ...lost, id: "utility-lost", points: mains.map((id) => `${id}.voltage-l1`) },
      ...{ title: "{place} lost", runbook: does.UTILITY_LOST },
    },
    {
      ...{ ...lost, id: "phase-lost", title: "{label} lost", runbook: does.PHASE_LOST },
      points: mains.flatMap((id) => [`${id}.voltage-l2`, `${id}.voltage-l3`]),
    },
    {
      ...{ id: "phase-imbalance", points: ["*.phase-imbalance"], priority: 4 },
      ...{ title: "{label} {value}", condition: above(40, 3), ...delays(600, 300) },
      runbook: does.IMBALANCE,
    },
    {
      ...{ id: "breaker-full", points: ["*.breaker-load"], title: "{label} {value} full" },
      ...{ condition: above(80, 2), priority: 3, ...delays(600, 60), runbook: does.BREAKER_FULL },
    },
    {
      ...{ id: "breaker-overload", points: ["*.breaker-load"], title: "{label} {value} full" },
      ...{ condition: above(100, 2), priority: 1, ...delays(30, 30), runbook: does.BREAKER_OVER },
    },
    {
      ...{ id: "feed-alone", points: ["*.load-alone"], priority: 3 },
      title: "{place} would be {value} loaded if the other feed failed",
      ...{ condition: above(100, 2), ...delays(600, 60), runbook: does.FEED_ALONE },
    },
  ];
}

function upsRules(): Draft[] {
  const flag = (
    [id, role, title]: [string, string, string],
    more: Pick<Draft, "priority" | "runbook"> & Partial<Draft>,
  ): Draft => ({ id, points: [`*.${role}`], title, condition: is(1), ...delays(5, 30), ...more });
  return [
    flag(["on-battery", "on-battery", "{place} on battery"], {
      ...{ priority: 1, runbook: does.ON_BATTERY },
    }),
    flag(["battery-low", "low-battery", "{place} battery nearly empty"], {
      ...{ priority: 1, runbook: does.BATTERY_LOW, ...delays(0, 0) },
    }),
    flag(["ups-bypass", "bypass", "{place} on bypass: load not protected"], {
      ...{ priority: 2, runbook: does.BYPASS },
    }),
    flag(["ups-overload", "overload", "{place} overloaded"], {
      ...{ priority: 1, runbook: does.UPS_OVERLOAD },
    }),
    flag(["ups-output-off", "output-off", "{place} output off"], {
      ...{ priority: 1, runbook: does.OUTPUT_OFF },
    }),
    flag(["replace-battery", "replace-battery", "{place}: battery due for replacement"], {
      ...{ priority: 4, runbook: does.REPLACE_BATTERY, ...delays(60, 60) },
    }),
    {
      ...{ id: "battery-hot", points: ["*.battery-temperature"], title: "{label} {value}" },
      ...{ condition: above(40, 1), priority: 3, ...delays(60, 60), runbook: does.BATTERY_HOT },
    },
  ];
}

function generatorRules({ power }: SiteModel): Draft[] {
  const points = power.filter(({ kind }) => kind === "generator").map(({ id }) => `${id}.fuel`);
  const fuel = { points, title: "{place}: fuel {value}", runbook: does.FUEL };
  return [
    { ...fuel, id: "fuel-low", condition: below(50, 2), priority: 4, ...delays(300, 60) },
    { ...fuel, id: "fuel-critical", condition: below(25, 2), priority: 2, ...delays(60, 60) },
  ];
}

function leakRules(): Draft[] {
  return [
    {
      ...{ id: "leak", points: ["leak.*", "*.leak", "*.leak-*"], title: "Water: {label}" },
      ...{ condition: is(1), priority: 1, latch: true, ...delays(2, 30), runbook: does.LEAK },
    },
  ];
}

function doorRules(): Draft[] {
  return [
    {
      ...{ id: "door-open", points: ["*.open"], title: "{label} held open", priority: 3 },
      ...{ condition: is(1), onDelayMs: 30 * S, runbook: does.DOOR_HELD },
    },
    {
      ...{ id: "door-after-hours", points: ["*.after-hours"], title: "{label}", priority: 2 },
      ...{ condition: is(1), ...delays(5, 5), runbook: does.AFTER_HOURS },
    },
  ];
}

/** One point stands for each device, so that a silent one is one alarm. */
function sensorRules({ rooms, power }: SiteModel): Draft[] {
  const cooling = rooms.flatMap((room) => room.cooling.map(({ id }) => `${id}.running`));
  const meters = power
    .filter(({ kind }) => kind !== "ups" && kind !== "generator")
    .map(({ id }) => `${id}.power`);
  const generators = power.filter(({ kind }) => kind === "generator").map(({ id }) => `${id}.fuel`);
  const air = [...INLETS, "*.exhaust", "*.humidity", "*.humidity-*"];
  return [
    {
      id: "no-reading",
      points: [
        ...[...INLETS, "*.exhaust", "leak.*", "*.leak", "*.leak-*", "*.open", "*.on-battery"],
        ...[...cooling, ...meters, ...generators],
      ],
      ...{ title: "{label}: no reading", condition: { kind: "stale" }, priority: 3 },
      ...{ ...delays(10, 10), runbook: does.NO_READING },
    },
    {
      ...{ id: "sensor-frozen", points: air, title: "{label} does not move", priority: 4 },
      ...{ condition: { kind: "frozen" }, ...delays(60, 60), runbook: does.FROZEN },
    },
    {
      ...{ id: "bus-errors", points: ["*.bus-*-errors"], priority: 3 },
      ...{ title: "{label}: {value} of the readings fail", condition: above(0.5, 0.1) },
      ...{ ...delays(60, 60), runbook: does.BUS },
    },
  ];
}

function deviceRules(): Draft[] {
  return [
    {
      ...{ id: "node-silent", points: [], nodes: ["*"], title: "{label} does not answer" },
      ...{ condition: { kind: "silent" }, priority: 2, ...delays(20, 10), runbook: does.NODE },
    },
    {
      ...{
        id: "node-supply",
        points: ["*.under-voltage"],
        title: "{place}: supply voltage too low",
      },
      ...{ condition: is(1), priority: 3, ...delays(5, 300), runbook: does.NODE_SUPPLY },
    },
    {
      ...{ id: "node-clock", points: ["*.clock-synced"], title: "{place}: clock not set" },
      ...{ condition: is(0), priority: 3, ...delays(600, 60), runbook: does.NODE_CLOCK },
    },
    {
      ...{ id: "node-disk", points: ["*.disk-free"], priority: 3 },
      ...{ title: "{place}: disk almost full, {value} free", condition: below(10, 2) },
      ...{ ...delays(60, 60), runbook: does.NODE_DISK },
    },
    {
      ...{ id: "node-card", points: ["*.disk-wear"], priority: 4 },
      title: "{place} writes more than its card endures for ten years",
      ...{ condition: above(1, 0.2), ...delays(3_600, 3_600), runbook: does.NODE_CARD },
    },
    {
      ...{ id: "node-hot", points: ["*.cpu-temperature"], title: "{place}: processor {value}" },
      ...{ condition: above(80, 5), priority: 3, ...delays(60, 60), runbook: does.NODE_HOT },
    },
  ];
}
