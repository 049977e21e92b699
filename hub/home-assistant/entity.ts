import type { PointInfo } from "../../contract/message.ts";
import { QUANTITIES, type QuantityId } from "../../contract/quantity.ts";
import type { Reading } from "../../contract/reading.ts";
import { HUB_STATUS_TOPIC } from "../../contract/topic.ts";
import { VERSION } from "../version.ts";

/** Device classes as Home Assistant's sensor integration names them; those without one are plain numbers. */
const DEVICE_CLASS: Partial<Record<QuantityId, string>> = {
  temperature: "temperature",
  dewPoint: "temperature",
  humidity: "humidity",
  pressure: "pressure",
  airPressure: "atmospheric_pressure",
  co2: "carbon_dioxide",
  voltage: "voltage",
  current: "current",
  power: "power",
  apparentPower: "apparent_power",
  reactivePower: "reactive_power",
  powerFactor: "power_factor",
  frequency: "frequency",
  energy: "energy",
  charge: "battery",
  runtime: "duration",
  duration: "duration",
  distance: "distance",
};

export interface EntityContext {
  prefix: string;
  site: { id: string; label: string };
  node: { id: string; label: string };
}

/** Retained messages that make one point an entity of Home Assistant. */
export interface Entity {
  configTopic: string;
  stateTopic: string;
  config: Record<string, unknown>;
}

/** Home Assistant allows letters, digits, _ and - here, so a dot needs another spelling; no two names share one. */
export function objectId(point: string): string {
  return point.replaceAll("_", "__").replaceAll(".", "_d");
}

/** Names are data: they stand in `name` only, never in a template or a topic. */
export function entityOf(info: PointInfo, { prefix, site, node }: EntityContext): Entity {
  const component = info.quantity === "flag" ? "binary_sensor" : "sensor";
  const base = `${prefix}/${component}/plenum_${objectId(site.id)}/${objectId(info.id)}`;
  const stateTopic = `${base}/state`;
  return {
    configTopic: `${base}/config`,
    stateTopic,
    config: {
      name: info.label || info.id,
      unique_id: `plenum_${site.id}_${info.id}`,
      state_topic: stateTopic,
      value_template: "{{ value_json.value }}",
      json_attributes_topic: stateTopic,
      json_attributes_template:
        "{{ {'quality': value_json.quality, 'reason': value_json.reason, 'measured_at': value_json.at} | tojson }}",
      availability_mode: "all",
      availability: [
        { topic: HUB_STATUS_TOPIC, value_template: "{{ value_json.state }}" },
        { topic: stateTopic, value_template: "{{ value_json.available }}" },
      ],
      ...kindOf(info),
      device: {
        identifiers: [`plenum_${site.id}_${node.id}`],
        name: `${site.label} ${node.label}`,
        manufacturer: "Plenum",
      },
      origin: { name: "Plenum", sw_version: VERSION },
    },
  };
}

function kindOf({ quantity, states }: PointInfo): Record<string, unknown> {
  if (quantity === "flag") return { payload_on: "1", payload_off: "0" };
  if (quantity === "state" && states)
    return { device_class: "enum", options: [...new Set(Object.values(states))] };
  const { unit, decimals } = QUANTITIES[quantity];
  return {
    ...(DEVICE_CLASS[quantity] && { device_class: DEVICE_CLASS[quantity] }),
    state_class: quantity === "energy" ? "total_increasing" : "measurement",
    ...(unit !== "" && { unit_of_measurement: unit }),
    suggested_display_precision: decimals,
  };
}

/** What the state topic holds. A point without a sound and fresh value is unavailable, never 0. */
export function stateOf(info: PointInfo, reading: Reading | null, stale: boolean): string {
  const usable = reading !== null && !stale && reading.quality !== "bad";
  return JSON.stringify({
    available: usable && knownState(info, reading) ? "online" : "offline",
    value: usable ? shown(info, reading) : null,
    quality: reading === null ? "never" : stale ? "stale" : reading.quality,
    reason: reading && reading.quality !== "good" ? reading.reason : null,
    at: reading ? new Date(reading.at).toISOString() : null,
  });
}

function shown(info: PointInfo, reading: Reading): number | string | null {
  if (reading.quality === "bad") return null;
  if (info.quantity !== "state" || !info.states) return reading.value;
  return info.states[String(reading.value)] ?? null;
}

/** An enum may only take one of its words. */
function knownState(info: PointInfo, reading: Reading): boolean {
  return shown(info, reading) !== null;
}
