import type { EpochMs } from "../../contract/clock.ts";
import { roleOf } from "../../contract/id.ts";
import type { PointInfo } from "../../contract/message.ts";
import { bad, good, type Measurement } from "../../contract/reading.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { Climate } from "./climate.ts";

/** The value of a point that is good and fresh; undefined for everything else: it is not known now. */
export type Look = (point: string) => number | undefined;

/** One point that the hub makes of others. */
export interface Derivation {
  info: Omit<PointInfo, "periodMs">;
  inputs: readonly string[];
  /** Called in the order of time. What cannot be said from what is known is bad, never a guess. */
  derive(look: Look, now: EpochMs): Measurement;
}

/** What there is to derive from: the plan of the site and the points that devices offer. */
export interface Scene {
  site: SiteModel;
  climate: Climate;
  /** Points by place, then by role. */
  places: ReadonlyMap<string, ReadonlyMap<string, PointInfo>>;
  /** What people call a place. */
  label(place: string): string;
}

/** Everything of one kind that can be derived in a scene. */
export type Deriver = (scene: Scene) => Derivation[];

export const UNKNOWN: Measurement = bad("not-available");

/** A good measurement, or none when the value is not known. */
export function known(value: number | undefined): Measurement {
  return value === undefined || !Number.isFinite(value) ? UNKNOWN : good(value);
}

/** Codes and words of a state, as `PointInfo.states` takes them. */
export function stateInfo(
  id: string,
  label: string,
  states: Record<number, string>,
): Derivation["info"] {
  return { id, quantity: "state", label, states: { ...states } };
}

/** Ids of the points of a place whose role fits. */
export function pointsOf(
  scene: Scene,
  place: string,
  fits: (info: PointInfo) => boolean,
): string[] {
  return [...(scene.places.get(place)?.values() ?? [])].filter(fits).map(({ id }) => id);
}

/** The values of these points, when every one is known. */
export function all(look: Look, points: readonly string[]): number[] | undefined {
  const values = points.flatMap((point) => look(point) ?? []);
  return values.length === points.length ? values : undefined;
}

export const isInlet = ({ id, quantity }: PointInfo): boolean =>
  quantity === "temperature" && roleOf(id).startsWith("inlet");
