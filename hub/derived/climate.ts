import type { ClimateRules } from "../../contract/climate/ashrae.ts";
import type { SiteModel } from "../../contract/site.ts";

/** What a place's air is judged by. */
export interface PlaceClimate extends ClimateRules {
  /** Tape stands here: it bears only slow changes. */
  tape: boolean;
}

/** site.yaml's `climate`. `places` holds what is different in a room or rack. */
export interface Climate extends PlaceClimate {
  places: Readonly<Record<string, Partial<PlaceClimate>>>;
}

export const USUAL_CLIMATE: Climate = {
  ...{ set: "ashrae-2021", class: "A1", altitudeM: 0, recommendedMaxRh: 70, tape: false },
  places: {},
};

/** The rack's own word counts before its room's, and that before the site's. */
export function climateOf(climate: Climate, room: string, rack?: string): PlaceClimate {
  const { places, ...site } = climate;
  return { ...site, ...places[room], ...(rack === undefined ? {} : places[rack]) };
}

export function racksOf(site: SiteModel): { room: string; rack: string }[] {
  return site.rooms.flatMap((room) =>
    room.rows.flatMap((row) => row.racks.map((rack) => ({ room: room.id, rack: rack.id }))),
  );
}
