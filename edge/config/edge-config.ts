import path from "node:path";
import { placeOf, roleOf } from "../../contract/id.ts";
import type { DoorInfo, PointInfo } from "../../contract/message.ts";
import { CONTACT_PERIOD_MS } from "../doors/gpio-loop.ts";
import type { Catalogue } from "./catalogue.ts";
import type {
  BusConfig,
  DoorConfig,
  I2cDeviceConfig,
  InputConfig,
  ModbusDeviceConfig,
  OneWireDeviceConfig,
} from "./schema.ts";

export type DeviceConfig =
  | ({ kind: "i2c" } & I2cDeviceConfig)
  | ({ kind: "one-wire" } & OneWireDeviceConfig)
  | ({ kind: "modbus" } & ModbusDeviceConfig);

/** A checked `edge.yaml`: durations in ms, paths absolute, everything the node announces listed. */
export interface EdgeConfig {
  node: string;
  label: string;
  hubUrl: string;
  spool: { path: string; quotaBytes: number; commitEveryMs: number };
  buses: BusConfig[];
  devices: DeviceConfig[];
  doors: DoorConfig[];
  inputs: InputConfig[];
  points: PointInfo[];
  doorInfos: DoorInfo[];
}

/** The parts of a file that passed the check one by one. */
export interface Parts {
  buses: BusConfig[];
  devices: DeviceConfig[];
  doors: DoorConfig[];
  inputs: InputConfig[];
}

export const doorPoint = (door: string) => `${door}.open`;

/** Every point the devices and contacts publish. Unknown drivers and profiles publish nothing here. */
export function announcedPoints(parts: Parts, catalogue: Catalogue): PointInfo[] {
  const contacts = [
    ...parts.doors.map(({ id, label }) => ({
      id: doorPoint(id),
      label: `${label ?? id} (1 = open)`,
    })),
    ...parts.inputs.map(({ point, label }) => ({ id: point, label: label ?? spoken(point) })),
  ];
  return [
    ...parts.devices.flatMap((device) => devicePoints(device, catalogue)),
    ...contacts.map((contact) => ({
      ...contact,
      quantity: "flag" as const,
      periodMs: CONTACT_PERIOD_MS,
    })),
  ];
}

function devicePoints(device: DeviceConfig, catalogue: Catalogue): PointInfo[] {
  if (device.kind === "modbus") return profilePoints(device, catalogue);
  const sensor =
    device.kind === "i2c" ? catalogue.i2c.get(device.driver) : catalogue.oneWire.get(device.driver);
  return Object.entries(device.points).flatMap(([channel, id]) => {
    const quantity = sensor?.channels[channel];
    const label = device.label ? `${device.label} ${roleOf(id)}` : spoken(id);
    return quantity ? [{ id, quantity, label, periodMs: device.every }] : [];
  });
}

/** What a device publishes by its profile; nothing when the profile is unknown. */
export function profilePoints(
  device: Pick<ModbusDeviceConfig, "id" | "label" | "profile">,
  catalogue: Catalogue,
): PointInfo[] {
  if (!catalogue.profiles.includes(device.profile)) return [];
  const { points, classes } = catalogue.profile(device.profile);
  return points.map((point) => ({
    id: `${device.id}.${point.id}`,
    quantity: point.quantity,
    label: `${device.label ?? device.id.toUpperCase()} ${point.label}`,
    periodMs: classes[point.class] ?? 60_000,
    ...(point.min === undefined ? {} : { min: point.min }),
    ...(point.max === undefined ? {} : { max: point.max }),
    ...(point.states ? { states: point.states } : {}),
  }));
}

/** `a01.inlet-top` as a person says it: "A01 inlet top". */
function spoken(point: string): string {
  return `${(placeOf(point) ?? "").toUpperCase()} ${roleOf(point).replaceAll("-", " ")}`.trim();
}

/** Paths in a file count from the file's folder. */
export function resolvePaths(bus: BusConfig, folder: string): BusConfig {
  if (bus.type === "one-wire") return { ...bus, path: path.resolve(folder, bus.path) };
  if (bus.type === "modbus-rtu") return { ...bus, device: path.resolve(folder, bus.device) };
  return bus;
}
