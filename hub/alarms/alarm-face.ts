import type { Condition } from "../../contract/alarm/rule.ts";
import { placeOf } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import type { Measurement } from "../../contract/reading.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { Place } from "./place-names.ts";

/** What an alarm says to people. Kept with its state, so that it still speaks when its point is gone. */
export interface Face {
  title: string;
  detail: string;
  place: string | null;
  room: string | null;
  value: number | null;
  limit: number | null;
  unit: string;
}

/** What is known about a point when its alarm is put into words. */
export interface PointSight {
  info: PointInfo;
  place: Place;
  /** Null when nothing has been measured yet. */
  measurement: Measurement | null;
  stale: boolean;
  /** When the newest reading arrived, as people read it; null without one. */
  lastSeen: string | null;
}

export function pointFace(rule: SiteRule, sight: PointSight): Face {
  const { info, place, measurement, stale } = sight;
  const { unit } = QUANTITIES[info.quantity];
  const value = !measurement || stale || measurement.quality === "bad" ? null : measurement.value;
  const limit = limitFor(rule.condition, value);
  const label = plainLabel(info.label);
  const words = {
    place: place.label ?? placeOf(info.id) ?? label,
    label,
    value: value === null ? "no reading" : valueText(info, value),
    limit: limit === null ? "" : withUnit(String(limit), unit),
  };
  return {
    title: fill(rule.title, words),
    detail: [findingText(rule.condition, sight, limit), `sensor ${label}`]
      .filter((part) => part !== "")
      .join(" · "),
    ...{ place: place.label, room: place.room, value, limit, unit },
  };
}

export function nodeFace(rule: SiteRule, label: string, detail: string): Face {
  const words = { place: label, label, value: "", limit: "" };
  return {
    title: fill(rule.title, words),
    detail,
    ...{ place: null, room: null, value: null, limit: null, unit: "" },
  };
}

/** What 1 of a flag means stands behind its label: "Leak rope (1 = wet)". */
const MEANING = /^(.*?)\s*\(1 = ([^)]+)\)$/u;

/** A label without what is only for reading numbers: "Leak rope". */
export function plainLabel(label: string): string {
  return MEANING.exec(label)?.[1] || label;
}

/** A measured value as people read it: "31.8 °C", "on battery", "wet", "21 min". */
export function valueText(
  info: Pick<PointInfo, "quantity" | "states"> & Partial<Pick<PointInfo, "label">>,
  value: number,
): string {
  const word = info.states?.[String(value)];
  if (word !== undefined) return word;
  if (info.quantity === "flag" && (value === 0 || value === 1)) {
    const meaning = MEANING.exec(info.label ?? "")?.[2] ?? "yes";
    return value === 1 ? meaning : meaning === "yes" ? "no" : `not ${meaning}`;
  }
  const { unit, decimals } = QUANTITIES[info.quantity];
  if (unit === "s" && Math.abs(value) >= 120) return durationText(value * 1_000);
  return withUnit(value.toFixed(decimals), unit);
}

/** "40 s", "12 min", "3 h", "2 days": as coarse as people say it. */
export function durationText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  if (seconds < 120) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** The limit that the value broke, or the nearer one when it broke none. */
function limitFor(condition: Condition, value: number | null): number | null {
  if (condition.kind !== "limit") return null;
  const { above = null, below = null } = condition;
  if (above === null || below === null || value === null) return above ?? below;
  return value < (above + below) / 2 ? below : above;
}

function findingText(condition: Condition, sight: PointSight, limit: number | null): string {
  switch (condition.kind) {
    case "limit": {
      const lower = limit === condition.below;
      const { unit } = QUANTITIES[sight.info.quantity];
      return `${lower ? "lower " : ""}limit ${withUnit(String(limit), unit)}`;
    }
    case "stale": {
      const { measurement, stale, lastSeen } = sight;
      if (lastSeen === null) return "nothing has been read yet";
      if (stale || measurement?.quality !== "bad") return `nothing received since ${lastSeen}`;
      return REASON_WORDS[measurement.reason] ?? measurement.reason;
    }
    case "swing": {
      const { above, windowMs } = condition;
      const { unit } = QUANTITIES[sight.info.quantity];
      return `moved more than ${withUnit(String(above), unit)} within ${durationText(windowMs)}`;
    }
    case "frozen":
      return "the value has not moved for longer than it should; it may be stuck";
    case "digital":
    case "silent":
      return "";
  }
}

const REASON_WORDS: Record<string, string> = {
  "no-answer": "the device does not answer",
  checksum: "answers arrive damaged",
  bus: "the whole bus is stuck or gone",
  identity: "another kind of device answers",
  "not-ready": "the device has no finished measurement",
  "not-available": "the device says it has no value",
  range: "outside what the device can measure",
  wire: "the sensor's wire is open or shorted",
  refused: "the device refuses to answer",
  reset: "the device keeps restarting",
  unsupported: "the device does not offer this value",
};

function fill(title: string, words: Record<string, string>): string {
  const text = title.replace(/\{(\w+)\}/g, (whole, name: string) => words[name] ?? whole);
  return text.replace(/\s+/g, " ").trim();
}

function withUnit(number: string, unit: string): string {
  return unit === "" ? number : `${number} ${unit}`;
}
