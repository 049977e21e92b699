import type { QuantityId } from "../../contract/quantity.ts";
import type { Profile } from "../profiles/schema.ts";

/** The sensors and devices this program can read, as far as a configuration must know them. */
export interface Catalogue {
  /** I2C drivers by name. */
  i2c: ReadonlyMap<string, Sensor & { addresses: readonly number[] }>;
  /** 1-Wire drivers by name. */
  oneWire: ReadonlyMap<string, Sensor>;
  profiles: readonly string[];
  /** Throws when the profile itself is wrong. */
  profile(id: string): Profile;
}

export interface Sensor {
  channels: Readonly<Record<string, QuantityId>>;
}
