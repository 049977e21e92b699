import { stationKey, stationUnit } from "./address.ts";
import type { Profile } from "./schema.ts";

/** The part of a device that answers at one unit number. */
export interface ProfileStation {
  unit: number;
  /** The device's own number, where its identity is read. */
  main: boolean;
  /** The profile with only the fields and points that stand here. */
  profile: Profile;
}

/** Most devices answer at one unit number; some spread over several. The device's own comes first. */
export function stationsOf(profile: Profile, unit: number): ProfileStation[] {
  const keys = new Set([stationKey({}), ...profile.fields.map(stationKey)]);
  return [...keys].flatMap((key) => {
    const fields = profile.fields.filter((field) => stationKey(field) === key);
    const [first] = fields;
    if (!first) return [];
    const main = key === stationKey({});
    const part: Profile = {
      ...profile,
      fields,
      points: profile.points.filter((point) => fields.includes(point.field)),
      identify: main ? profile.identify : [],
    };
    return [{ unit: stationUnit(first, unit), main, profile: part }];
  });
}

/** Every unit number that a device of this profile takes on its bus. */
export const unitsOf = (profile: Profile, unit: number): number[] =>
  stationsOf(profile, unit).map((station) => station.unit);
