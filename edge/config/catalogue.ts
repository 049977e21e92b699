import type { z } from "zod";
import type { QuantityId } from "../../contract/quantity.ts";
import { DRIVERS, KERNEL_DRIVERS, ONE_WIRE_DRIVERS } from "../drivers/index.ts";
import { PROFILE_IDS } from "../profiles/index.ts";
import { loadProfile } from "../profiles/load.ts";
import type { Profile } from "../profiles/schema.ts";

/** The sensors and devices this program can read, as far as a configuration must know them. */
export interface Catalogue {
  /** I2C drivers by name. */
  i2c: ReadonlyMap<string, I2cSensor>;
  /** 1-Wire drivers by name; an id begins with the family of its driver. */
  oneWire: ReadonlyMap<string, Sensor & { family: string }>;
  /** Kinds of sensors that the kernel reads, by name. */
  kernel: ReadonlyMap<string, Sensor>;
  profiles: readonly string[];
  /** Throws when the profile itself is wrong. */
  profile(id: string): Profile;
}

export interface Sensor {
  channels: Readonly<Record<string, QuantityId>>;
}

export interface I2cSensor extends Sensor {
  addresses: readonly number[];
  /** Its steps are so wide that a steady room gives the same value for hours. */
  coarse?: boolean;
  /** Present when it has one against condensed water. */
  heater?: object;
  /** What must be known of the circuit round the chip; absent: nothing. */
  optionsSchema?: z.ZodType;
  /** For a chip whose options say what it measures. */
  channelsWith?(options: unknown): Partial<Record<string, QuantityId>>;
}

/** What a sensor measures with these options; with wrong ones, whatever it could. */
export function channelsOf(sensor: I2cSensor, options: unknown): Sensor["channels"] {
  const checked = sensor.optionsSchema?.safeParse(options ?? {});
  if (!checked?.success || !sensor.channelsWith) return sensor.channels;
  const channels = Object.entries(sensor.channelsWith(checked.data));
  return Object.fromEntries(channels.flatMap(([name, id]) => (id ? [[name, id]] : [])));
}

/** Everything that comes with this program. A profile is read from its file once. */
export function ownCatalogue(): Catalogue {
  const loaded = new Map<string, Profile>();
  return {
    i2c: DRIVERS,
    oneWire: ONE_WIRE_DRIVERS,
    kernel: KERNEL_DRIVERS,
    profiles: PROFILE_IDS,
    profile(id) {
      const profile = loaded.get(id) ?? loadProfile(id);
      loaded.set(id, profile);
      return profile;
    },
  };
}
