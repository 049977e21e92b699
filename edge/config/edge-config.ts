import path from "node:path";
import type { DoorInfo, PointInfo } from "../../contract/message.ts";
import type { LocalRule } from "../local/local-rule.ts";
import type { TruthRules } from "../truth/truth.ts";
import type {
  BusConfig,
  DoorConfig,
  I2cDeviceConfig,
  InputConfig,
  KernelDeviceConfig,
  ModbusDeviceConfig,
  NutDeviceConfig,
  OneWireDeviceConfig,
  OutputConfig,
  PulseConfig,
} from "./schema.ts";

export type DeviceConfig =
  | ({ kind: "i2c" } & I2cDeviceConfig)
  | ({ kind: "one-wire" } & OneWireDeviceConfig)
  | ({ kind: "modbus" } & ModbusDeviceConfig)
  | ({ kind: "nut" } & NutDeviceConfig)
  | ({ kind: "kernel" } & KernelDeviceConfig);

/** The entries of a file's lists. */
export interface Parts {
  buses: BusConfig[];
  devices: DeviceConfig[];
  doors: DoorConfig[];
  inputs: InputConfig[];
  pulses: PulseConfig[];
  outputs: OutputConfig[];
  alarms: LocalRule[];
}

/** A checked `edge.yaml`: durations in ms, paths absolute, everything the node announces listed. */
export interface EdgeConfig extends Parts {
  node: string;
  label: string;
  hubUrl: string;
  /** Where the node's key and certificate are; used when `hubUrl` begins with mqtts. */
  identityFolder: string;
  spool: { path: string; quotaBytes: number; commitEveryMs: number };
  points: PointInfo[];
  doorInfos: DoorInfo[];
  /** Doubts that fit points of our own sensors. */
  truth: ReadonlyMap<string, TruthRules>;
}

export const doorPoint = (door: string) => `${door}.open`;

/** Paths in a file count from the file's folder. */
export function resolvePaths(bus: BusConfig, folder: string): BusConfig {
  if (bus.type === "one-wire" || bus.type === "kernel")
    return { ...bus, path: path.resolve(folder, bus.path) };
  if (bus.type === "modbus-rtu") return { ...bus, device: path.resolve(folder, bus.device) };
  if (bus.type === "nut") {
    const { password, ca } = bus;
    const isFile = password?.startsWith("file:") === true;
    return {
      ...bus,
      ...(isFile ? { password: `file:${path.resolve(folder, password.slice(5))}` } : {}),
      ...(ca === undefined ? {} : { ca: path.resolve(folder, ca) }),
    };
  }
  return bus;
}
