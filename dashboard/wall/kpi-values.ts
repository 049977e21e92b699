import type { AlarmView } from "../../contract/api.ts";
import { placeOf } from "../../contract/id.ts";
import { worstPriority } from "../alarm-order.ts";
import { isInBand, type Step, stepOf, tenthC } from "../inlet-scale.ts";
import { isInlet, shortPointName } from "../places.ts";
import { current } from "../staleness.ts";
import { showAt, type View } from "../view.ts";
import { coolingState, type Running, redundancy } from "./cooling-state.ts";
import { kilowatts, runtimeMin } from "./power-state.ts";
import type { SparkOptions } from "./spark.tsx";

export type KpiPicture =
  /** The sum of these points over 24 h. */
  | { kind: "spark"; points: string[]; options: SparkOptions }
  /** How many inlets stand at each colour step. */
  | { kind: "steps"; counts: [Step, number][]; unknown: number }
  | { kind: "units"; states: Running[] }
  | { kind: "none" };

export interface Kpi {
  id: string;
  title: string;
  /** `–` when it is not known now. */
  value: string;
  unit: string;
  note: string;
  priority: AlarmView["priority"] | null;
  picture: KpiPicture;
}

/** More points than this are not fetched for one small line. */
const MAX_SUMMED = 12;

export function kpis(view: View): Kpi[] {
  return [hottest(view), inBand(view), itLoad(view), facility(view), runtime(view), cooling(view)];
}

function inletValues(view: View): { id: string; value: number }[] {
  return view.inlets.value.flatMap((id) => {
    const value = current(view.store.show(id));
    return value === null ? [] : [{ id, value }];
  });
}

function highest(values: readonly { id: string; value: number }[]) {
  return values.reduce<(typeof values)[number] | undefined>(
    (best, each) => (best && best.value >= each.value ? best : each),
    undefined,
  );
}

function hottestRack(values: readonly { id: string; value: number }[]): string | undefined {
  const top = highest(values);
  return top && placeOf(top.id);
}

function hottest(view: View): Kpi {
  const band = view.site.value!.inletBand;
  const values = inletValues(view);
  const first = values[0];
  const base = { id: "hottest", title: "Hottest inlet", unit: "°C" };
  if (!first)
    return { ...base, value: "–", note: "no reading", priority: null, picture: NO_PICTURE };
  const top = highest(values) ?? first;
  const point = view.store.held(top.id)?.view;
  const rack = placeOf(top.id);
  return {
    ...base,
    value: tenthC(top.value, band),
    note: point ? shortPointName(view.labels.value, point) : top.id,
    priority: worstPriority(
      view.store.alarms.value,
      (alarm) => isInlet(alarm.subject) && placeOf(alarm.subject) === rack,
    ),
    picture: {
      kind: "spark",
      points: [top.id],
      options: { band: [band.minC, band.maxC], minSpan: 10 },
    },
  };
}

function inBand(view: View): Kpi {
  const band = view.site.value!.inletBand;
  const values = inletValues(view);
  const total = view.inlets.value.length;
  const unknown = total - values.length;
  const inside = values.filter(({ value }) => isInBand(value, band)).length;
  const counts = new Map<Step, number>();
  for (const { value } of values) {
    const step = stepOf(value, band);
    counts.set(step, (counts.get(step) ?? 0) + 1);
  }
  return {
    id: "in-band",
    title: "Inlets in band",
    value: values.length === 0 ? "–" : String(inside),
    unit: values.length === 0 ? "" : `/${values.length}`,
    note: unknown > 0 ? `${unknown} silent` : "",
    // The hottest rack's alarm stands beside it already.
    priority: worstPriority(
      view.store.alarms.value,
      ({ subject }) => isInlet(subject) && placeOf(subject) !== hottestRack(values),
    ),
    picture: { kind: "steps", counts: [...counts], unknown },
  };
}

const NO_PICTURE: KpiPicture = { kind: "none" };

/** A sum is only said when every part of it is measured now. */
function powerSum(view: View, kind: "pdu" | "utility") {
  const units = view.power.value.filter((unit) => unit.kind === kind);
  const powers = units.map((unit) => ({
    label: unit.label,
    point: `${unit.id}.power`,
    value: current(showAt(view, unit.id, "power")),
  }));
  const missing = powers.filter(({ value }) => value === null);
  const totalW = powers.reduce((sum, { value }) => sum + (value ?? 0), 0);
  return {
    value: powers.length === 0 || missing.length > 0 ? "–" : kilowatts(totalW),
    missing: missing.length > 0 ? `${missing.length} silent` : null,
    points: powers.length <= MAX_SUMMED ? powers.map(({ point }) => point) : [],
    priority: worstPriority(view.store.alarms.value, (alarm) =>
      units.some((unit) => unit.id === placeOf(alarm.subject)),
    ),
  };
}

function itLoad(view: View): Kpi {
  const { value, missing, points, priority } = powerSum(view, "pdu");
  const picture: KpiPicture = { kind: "spark", points, options: { minSpan: 2_000 } };
  return {
    id: "it-load",
    title: "IT load",
    value,
    unit: "kW",
    note: missing ?? "",
    priority,
    picture,
  };
}

function facility(view: View): Kpi {
  const { value, missing, points, priority } = powerSum(view, "utility");
  return {
    id: "facility",
    title: "Facility power",
    value,
    unit: "kW",
    note: missing ?? "utilities",
    priority,
    picture: { kind: "spark", points, options: { minSpan: 2_000 } },
  };
}

function runtime(view: View): Kpi {
  const units = view.power.value
    .filter((unit) => unit.kind === "ups")
    .map((unit) => ({
      id: unit.id,
      name: unit.label.replace(/^UPS\s+/i, ""),
      seconds: current(showAt(view, unit.id, "runtime")),
      isOnBattery: current(showAt(view, unit.id, "on-battery")) === 1,
    }));
  const onBattery = units.filter((unit) => unit.isOnBattery);
  // While a battery is used up, its time is the one that counts.
  const judged = onBattery.length > 0 ? onBattery : units;
  const silent = judged.filter((unit) => unit.seconds === null).length;
  const lowest = judged.reduce<(typeof units)[number] | undefined>(
    (low, unit) => (low && (low.seconds ?? 0) <= (unit.seconds ?? 0) ? low : unit),
    undefined,
  );
  const seconds = silent > 0 ? null : (lowest?.seconds ?? null);
  return {
    id: "runtime",
    title: "UPS runtime",
    // With one UPS silent the lower of the rest need not be the lowest.
    value: seconds === null ? "–" : String(runtimeMin(seconds)),
    unit: "min",
    note: runtimeNote(onBattery, silent, units),
    priority: worstPriority(view.store.alarms.value, (alarm) =>
      units.some((unit) => unit.id === placeOf(alarm.subject)),
    ),
    picture: lowest
      ? { kind: "spark", points: [`${lowest.id}.runtime`], options: { minSpan: 600 } }
      : NO_PICTURE,
  };
}

type Named = readonly { name: string }[];
function runtimeNote(onBattery: Named, silent: number, units: Named): string {
  const [only] = onBattery;
  if (only) return `${onBattery.length > 1 ? onBattery.length : only.name} on battery`;
  if (silent > 0) return `${silent} silent`;
  if (units.length < 2) return "";
  const names = units.map(({ name }) => name).join(", ");
  return names.length > 6 ? `lowest of ${units.length}` : `lower of ${names}`;
}

function cooling(view: View): Kpi {
  const units = view.cooling.value;
  const states = units.map(
    ({ id }) =>
      coolingState({
        running: showAt(view, id, "running"),
        supply: showAt(view, id, "supply"),
        back: showAt(view, id, "return"),
      }).running,
  );
  const running = states.filter((state) => state === "running").length;
  const isUnknown = states.length === 0 || states.every((state) => state === "unknown");
  return {
    id: "cooling",
    title: "Cooling",
    value: isUnknown ? "–" : String(running),
    unit: isUnknown ? "" : `/${states.length}`,
    note: redundancy(states),
    priority: worstPriority(view.store.alarms.value, (alarm) =>
      units.some((unit) => unit.id === placeOf(alarm.subject)),
    ),
    picture: { kind: "units", states },
  };
}
