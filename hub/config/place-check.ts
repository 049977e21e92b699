import type { SiteModel } from "../../contract/site.ts";
import { nearest } from "./nearest.ts";
import type { Path } from "./source.ts";
import { topologyProblems } from "./topology-check.ts";

/** What the schema cannot see in the site model: names used twice, feeds from nowhere, bands upside down. */
export function placeProblems(site: SiteModel): [Path, string][] {
  return [...twice(site), ...feeds(site), ...topologyProblems(site), ...band(site.inletBand)];
}

/** Points find their place by its name, so no two places of any kind may share one. */
function twice(site: SiteModel): [Path, string][] {
  const first = new Map<string, string>();
  const problems: [Path, string][] = [];
  for (const [id, path] of places(site)) {
    const at = path.map((part) => (typeof part === "number" ? `[${part}]` : part)).join(".");
    const before = first.get(id);
    if (before === undefined) first.set(id, at.replaceAll(".[", "["));
    else problems.push([[...path, "id"], `"${id}" is taken by ${before}; choose another`]);
  }
  return problems;
}

function* places(site: SiteModel): Iterable<[id: string, path: Path]> {
  for (const [r, room] of site.rooms.entries()) {
    yield [room.id, ["rooms", r]];
    for (const [w, row] of room.rows.entries())
      for (const [i, rack] of row.racks.entries())
        yield [rack.id, ["rooms", r, "rows", w, "racks", i]];
    for (const [i, unit] of room.cooling.entries()) yield [unit.id, ["rooms", r, "cooling", i]];
    for (const [i, door] of room.doors.entries()) yield [door.id, ["rooms", r, "doors", i]];
  }
  for (const [i, unit] of site.power.entries()) yield [unit.id, ["power", i]];
}

function feeds({ power }: SiteModel): [Path, string][] {
  const problems: [Path, string][] = [];
  const units = new Map(power.map((unit) => [unit.id, unit]));
  for (const [i, unit] of power.entries()) {
    for (const [j, id] of unit.fedBy.entries()) {
      if (units.has(id)) continue;
      const meant = nearest(id, units.keys());
      const hint = meant ? `did you mean "${meant}"?` : `known: ${[...units.keys()].join(", ")}`;
      problems.push([["power", i, "fedBy", j], `"${id}" is not a power unit; ${hint}`]);
    }
    const upstream = new Set<string>();
    const queue = [...unit.fedBy];
    for (let id = queue.pop(); id !== undefined; id = queue.pop()) {
      if (upstream.has(id)) continue;
      upstream.add(id);
      queue.push(...(units.get(id)?.fedBy ?? []));
    }
    if (upstream.has(unit.id))
      problems.push([["power", i, "fedBy"], `"${unit.id}" ends up feeding itself`]);
  }
  return problems;
}

function band({ lowC, minC, maxC, highC }: SiteModel["inletBand"]): [Path, string][] {
  if (lowC <= minC && minC < maxC && maxC <= highC) return [];
  const found = `lowC ${lowC}, minC ${minC}, maxC ${maxC}, highC ${highC}`;
  return [[["inletBand"], `found ${found}; allowed: lowC ≤ minC < maxC ≤ highC`]];
}
