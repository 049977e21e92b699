import type { SiteModel } from "../../contract/site.ts";
import { nearest } from "./nearest.ts";
import type { Path } from "./source.ts";

/** Racks and cooling units that hang on power units, or serve rows, that there are not. */
export function topologyProblems({ rooms, power }: SiteModel): [Path, string][] {
  const units = power.map(({ id }) => id);
  const problems: [Path, string][] = [];
  const check = (
    ids: readonly string[] | undefined,
    known: readonly string[],
    at: Path,
    is: string,
  ) => {
    for (const [i, id] of (ids ?? []).entries()) {
      if (known.includes(id)) continue;
      const meant = nearest(id, known);
      const hint = meant ? `did you mean "${meant}"?` : `known: ${known.join(", ") || "none"}`;
      problems.push([[...at, i], `"${id}" is not ${is}; ${hint}`]);
    }
  };
  for (const [r, room] of rooms.entries()) {
    const served = room.rows.flatMap(({ id, racks }) => [id, ...racks.map((rack) => rack.id)]);
    for (const [w, row] of room.rows.entries())
      for (const [i, { feeds }] of row.racks.entries())
        check(feeds, units, ["rooms", r, "rows", w, "racks", i, "feeds"], "a power unit");
    for (const [i, { fedBy, serves }] of room.cooling.entries()) {
      check(fedBy, units, ["rooms", r, "cooling", i, "fedBy"], "a power unit");
      check(serves, served, ["rooms", r, "cooling", i, "serves"], "a row or rack of this room");
    }
  }
  return problems;
}
