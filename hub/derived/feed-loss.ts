import type { PowerUnit } from "../../contract/site.ts";
import { breakerCurrents } from "./breaker-load.ts";
import { type Derivation, known, type Scene } from "./derivation.ts";

/**
 * `<unit>.load-alone`: how full a unit would be, in %, if its partner on the other feed were lost and its load
 * came over. UPSes by their own load; PDUs with `ratingA` by their currents.
 */
export function loadsAlone(scene: Scene): Derivation[] {
  return [...upsPair(scene), ...pduPairs(scene)].map(({ unit, inputs, aloneOf }) => ({
    info: {
      ...{ id: `${unit.id}.load-alone`, quantity: "load" },
      label: `${unit.label} alone`,
    },
    inputs,
    derive: (look) => known(aloneOf(look)),
  }));
}

interface Pair {
  unit: PowerUnit;
  inputs: string[];
  aloneOf(look: (point: string) => number | undefined): number | undefined;
}

/** Only where it is plain who takes over: one UPS on each feed, alike or with both ratings said. */
function upsPair(scene: Scene): Pair[] {
  const of = (feed: "A" | "B") =>
    scene.site.power.filter((unit) => unit.kind === "ups" && unit.feed === feed);
  const [[a, ...moreA], [b, ...moreB]] = [of("A"), of("B")];
  if (!a || !b || moreA.length + moreB.length > 0) return [];
  if ((a.ratingW === undefined) !== (b.ratingW === undefined)) return [];
  if (![a, b].every(({ id }) => scene.places.get(id)?.get("load")?.quantity === "load")) return [];
  const pair = (unit: PowerUnit, other: PowerUnit): Pair => ({
    unit,
    inputs: [`${unit.id}.load`, `${other.id}.load`],
    aloneOf(look) {
      const [own, taken] = [look(`${unit.id}.load`), look(`${other.id}.load`)];
      if (own === undefined || taken === undefined) return undefined;
      return own + (taken * (other.ratingW ?? 1)) / (unit.ratingW ?? 1);
    },
  });
  return [pair(a, b), pair(b, a)];
}

/** Partners are the two PDUs that racks hang on together. */
function pduPairs(scene: Scene): Pair[] {
  const units = new Map(scene.site.power.map((unit) => [unit.id, unit]));
  const partners = new Map<string, Set<string>>();
  for (const room of scene.site.rooms)
    for (const { feeds = [] } of room.rows.flatMap((row) => row.racks))
      for (const id of feeds)
        for (const other of feeds)
          if (other !== id) partners.set(id, (partners.get(id) ?? new Set()).add(other));
  return [...partners].flatMap(([id, others]): Pair[] => {
    const unit = units.get(id);
    const [partner, ...more] = [...others].flatMap((other) => units.get(other) ?? []);
    if (unit?.ratingA === undefined || !partner || more.length > 0 || unit.kind !== "pdu")
      return [];
    const { ratingA } = unit;
    const own = breakerCurrents(scene, id);
    const taken = breakerCurrents(scene, partner.id);
    if (own.length === 0 || own.length !== taken.length) return [];
    return [
      {
        unit,
        inputs: [...own, ...taken],
        aloneOf(look) {
          const sums = own.map((point, phase) => plus(look(point), look(taken[phase]!)));
          if (sums.includes(undefined)) return undefined;
          return (100 * Math.max(...(sums as number[]))) / ratingA;
        },
      },
    ];
  });
}

const plus = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : Math.abs(a) + Math.abs(b);
