import type { UpsValue } from "../ups/model.ts";
import type { DeviceConfig } from "./edge-config.ts";
import type { BusConfig } from "./schema.ts";
import type { Path } from "./source.ts";

/** One entry of a list and where it stood. Settings that are wrong in themselves are left out. */
export interface Placed {
  value: Partial<Settings>;
  path: Path;
}

/** Every setting that means something beside others. */
export interface Settings {
  id: string;
  type: BusConfig["type"];
  device: string;
  kind: DeviceConfig["kind"];
  bus: string;
  driver: string;
  profile: string;
  chip: string;
  address: number;
  channel: number;
  unit: number;
  line: number;
  point: string;
  power: string;
  values: UpsValue[];
  points: Record<string, string>;
  options: unknown;
  heater: boolean;
  offset: Record<string, number>;
  every: number;
}

export interface PlacedParts {
  buses: Placed[];
  devices: Placed[];
  doors: Placed[];
  inputs: Placed[];
  pulses: Placed[];
  outputs: Placed[];
}
