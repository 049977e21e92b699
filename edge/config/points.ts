import { placeOf, roleOf } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import type { QuantityId } from "../../contract/quantity.ts";
import { CONTACT_PERIOD_MS } from "../doors/gpio-loop.ts";
import { PULSE_PERIOD_MS } from "../doors/pulse-loop.ts";
import { OUTPUT_PERIOD_MS, outputPoints } from "../outputs/output-loop.ts";
import { nutRoles } from "../poll/nut-loop.ts";
import { alarmCondition } from "../profiles/check-alarms.ts";
import type { Profile, ProfileAlarm } from "../profiles/schema.ts";
import { type TruthRules, truthRules } from "../truth/truth.ts";
import { addedUpsFlags } from "../ups/modbus.ts";
import { UPS_FLAGS, UPS_VALUES } from "../ups/model.ts";
import { type Catalogue, channelsOf } from "./catalogue.ts";
import { type DeviceConfig, doorPoint, type Parts } from "./edge-config.ts";
import type { ModbusDeviceConfig, NutDeviceConfig, PulseConfig } from "./schema.ts";

const SLOWEST_MS = 60_000;

/** Every point the entries publish. Unknown drivers and profiles publish nothing here. */
export function announcedPoints(parts: Parts, catalogue: Catalogue): PointInfo[] {
  const flag = (id: string, label: string, periodMs: number): PointInfo => ({
    ...{ id, label, periodMs },
    quantity: "flag",
  });
  return [
    ...parts.devices.flatMap((device) => devicePoints(device, catalogue)),
    ...parts.doors.map(({ id, label }) =>
      flag(doorPoint(id), `${label ?? id} (1 = open)`, CONTACT_PERIOD_MS),
    ),
    ...parts.inputs.map(({ point, label }) =>
      flag(point, label ?? spoken(point), CONTACT_PERIOD_MS),
    ),
    ...parts.pulses.flatMap(pulsePoints),
    ...parts.outputs.flatMap(({ id, label = id }) => [
      flag(outputPoints(id).on, `${label} (1 = on)`, OUTPUT_PERIOD_MS),
      flag(outputPoints(id).fault, `${label} does not follow (1 = yes)`, OUTPUT_PERIOD_MS),
    ]),
  ];
}

function pulsePoints({ point, power, label }: PulseConfig): PointInfo[] {
  const own = label ?? spoken(point);
  const energy: PointInfo = {
    ...{ id: point, quantity: "energy", label: own, periodMs: PULSE_PERIOD_MS },
  };
  if (power === undefined) return [energy];
  return [energy, { ...energy, id: power, quantity: "power", label: label ?? spoken(power) }];
}

function devicePoints(device: DeviceConfig, catalogue: Catalogue): PointInfo[] {
  if (device.kind === "modbus") return profilePoints(device, catalogue);
  if (device.kind === "nut") return nutPoints(device);
  const channels = channelsOn(device, catalogue);
  return Object.entries(device.points).flatMap(([channel, id]) => {
    const quantity = channels?.[channel];
    const label = device.label ? `${device.label} ${roleOf(id)}` : spoken(id);
    const add = device.offset?.[channel] ?? 0;
    const offset = add === 0 ? {} : { offset: add };
    return quantity ? [{ id, quantity, label, periodMs: device.every, ...offset }] : [];
  });
}

type SensorDevice = Exclude<DeviceConfig, { kind: "modbus" | "nut" }>;

function channelsOn(device: SensorDevice, catalogue: Catalogue) {
  if (device.kind === "one-wire") return catalogue.oneWire.get(device.driver)?.channels;
  if (device.kind === "kernel") return catalogue.kernel.get(device.driver)?.channels;
  const sensor = catalogue.i2c.get(device.driver);
  return sensor && channelsOf(sensor, device.options);
}

/** The doubts that fit each point of our own sensors; meters and UPSes round and average as they like. */
export function truthOf({ devices }: Parts, catalogue: Catalogue): Map<string, TruthRules> {
  const rules = new Map<string, TruthRules>();
  for (const device of devices) {
    if (device.kind === "modbus" || device.kind === "nut") continue;
    const channels = channelsOn(device, catalogue);
    const coarse = device.kind === "i2c" && catalogue.i2c.get(device.driver)?.coarse === true;
    for (const [channel, point] of Object.entries(device.points)) {
      const quantity = channels?.[channel];
      const offset = device.offset?.[channel];
      if (quantity) rules.set(point, truthRules({ quantity, coarse, offset }));
    }
  }
  return rules;
}

/** A device's profile with the device's own period. Throws when the profile itself is wrong. */
export function deviceProfile(
  { profile: id, every }: Pick<ModbusDeviceConfig, "profile" | "every">,
  catalogue: Catalogue,
): Profile {
  const profile = catalogue.profile(id);
  if (every === undefined) return profile;
  return { ...profile, classes: { ...profile.classes, normal: every } };
}

/** What a device publishes by its profile; nothing when the profile is unknown. */
export function profilePoints(
  device: Pick<ModbusDeviceConfig, "id" | "label" | "profile" | "every">,
  catalogue: Catalogue,
): PointInfo[] {
  if (!catalogue.profiles.includes(device.profile)) return [];
  const { points, classes, alarms } = deviceProfile(device, catalogue);
  const label = device.label ?? device.id.toUpperCase();
  const own: PointInfo[] = points.map((point) => ({
    id: `${device.id}.${point.id}`,
    quantity: point.quantity,
    label: `${label} ${point.label}`,
    periodMs: classes[point.class] ?? SLOWEST_MS,
    ...(point.min === undefined ? {} : { min: point.min }),
    ...(point.max === undefined ? {} : { max: point.max }),
    ...(point.states ? { states: point.states } : {}),
    ...proposed(
      alarms.filter((alarm) => alarm.point === point.id),
      point.quantity,
    ),
  }));
  const onBattery = points.find(({ id }) => id === "on-battery");
  const periodMs = classes[onBattery?.class ?? ""] ?? SLOWEST_MS;
  const added = addedUpsFlags(points.map(({ id }) => id)).map((flag) => ({
    ...{ id: `${device.id}.${flag}`, periodMs },
    ...{ quantity: UPS_FLAGS[flag].quantity, label: `${label} ${UPS_FLAGS[flag].label}` },
  }));
  return [...own, ...added];
}

/** What the profile of a device proposes to alarm on, as a birth carries it. */
function proposed(
  alarms: readonly ProfileAlarm[],
  quantity: QuantityId,
): Pick<PointInfo, "alarms"> {
  if (alarms.length === 0) return {};
  return {
    alarms: alarms.map((alarm) => ({
      ...{ id: alarm.id, ...alarmCondition(alarm, quantity === "flag") },
      ...{ onDelayMs: alarm.delay ?? 0, priority: alarm.priority },
      ...(alarm.title === undefined ? {} : { title: alarm.title }),
    })),
  };
}

export function nutPoints(
  device: Pick<NutDeviceConfig, "id" | "label" | "every" | "values">,
): PointInfo[] {
  const label = device.label ?? device.id.toUpperCase();
  const roles = { ...UPS_FLAGS, ...UPS_VALUES };
  return nutRoles(device.values).map((role) => ({
    id: `${device.id}.${role}`,
    quantity: roles[role].quantity,
    label: `${label} ${roles[role].label}`,
    periodMs: device.every,
  }));
}

/** `a01.inlet-top` as a person says it: "A01 inlet top". */
function spoken(point: string): string {
  return `${(placeOf(point) ?? "").toUpperCase()} ${roleOf(point).replaceAll("-", " ")}`.trim();
}
