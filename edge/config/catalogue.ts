import type { QuantityId } from "../../contract/quantity.ts";
import { DRIVERS, ONE_WIRE_DRIVERS } from "../drivers/index.ts";
import { PROFILE_IDS } from "../profiles/index.ts";
import { loadProfile } from "../profiles/load.ts";
import type { Profile } from "../profiles/schema.ts";

/** The sensors and devices this program can read, as far as a configuration must know them. */
export interface Catalogue {
  /** I2C drivers by name. */
  i2c: ReadonlyMap<string, Sensor & { addresses: readonly number[] }>;
  /** 1-Wire drivers by name; an id begins with the family of its driver. */
  oneWire: ReadonlyMap<string, Sensor & { family: string }>;
  profiles: readonly string[];
  /** Throws when the profile itself is wrong. */
  profile(id: string): Profile;
}

export interface Sensor {
  channels: Readonly<Record<string, QuantityId>>;
}

/** Everything that comes with this program. A profile is read from its file once. */
export function ownCatalogue(): Catalogue {
  const loaded = new Map<string, Profile>();
  return {
    i2c: DRIVERS,
    oneWire: ONE_WIRE_DRIVERS,
    profiles: PROFILE_IDS,
    profile(id) {
      const profile = loaded.get(id) ?? loadProfile(id);
      loaded.set(id, profile);
      return profile;
    },
  };
}
