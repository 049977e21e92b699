import type { Clock, EpochMs } from "../../contract/clock.ts";
import { globMatcher, roleOf } from "../../contract/id.ts";
import type { Race, RaceRack } from "../../contract/incident.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { SiteRule } from "../config/hub-config.ts";
import { isPowerKind } from "../incidents/fact.ts";
import type { Incident, Member } from "../incidents/incident.ts";
import { isStanding } from "../incidents/incident.ts";
import type { Topology } from "../incidents/topology.ts";
import type { LivePoint, LiveState } from "../live/live-state.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { bendOf, type Forecast, forecast, windowMsFor } from "./minutes-to-limit.ts";
import { RoomBends } from "./room-bend.ts";
import type { Sample } from "./slope.ts";

/** Readings kept of each inlet; beyond it the oldest are dropped. */
const MAX_SAMPLES = 150;
const MAX_RACKS = 500;
const MAX_UPS = 50;
const LEARN_EVERY_MS = 60_000;

export interface RaceDeps {
  site: SiteModel;
  rules: readonly SiteRule[];
  topology: Topology;
  live: Pick<LiveState, "point" | "isStale">;
  db: HubDb;
  clock: Clock;
}

/** What an inlet has shown lately. Readings that are not good are no part of it. */
interface Trail {
  point: LivePoint;
  samples: Sample[];
  limitC: number;
  learnedAt: EpochMs;
}

/** During a failure: which rack reaches its limit when, and which UPS is empty when. */
export class RaceClock {
  readonly #deps: RaceDeps;
  readonly #bends: RoomBends;
  /** By rack, then by point. */
  readonly #trails = new Map<string, Map<string, Trail>>();

  constructor(deps: RaceDeps) {
    this.#deps = deps;
    this.#bends = new RoomBends(deps.db);
  }

  /** Takes every new reading; only those of rack inlets are kept. */
  hear(point: LivePoint): void {
    const { info, reading } = point;
    if (info.quantity !== "temperature" || !roleOf(info.id).startsWith("inlet")) return;
    const rack = this.#deps.topology.placeOfPoint(info.id);
    if (rack?.kind !== "rack" || reading?.quality !== "good") return;
    const trails = this.#trails.get(rack.id) ?? new Map<string, Trail>();
    this.#trails.set(rack.id, trails);
    const trail = trails.get(info.id) ?? this.#begin(point);
    trails.set(info.id, trail);
    trail.point = point;
    const now = this.#deps.clock.nowMs();
    const last = trail.samples.at(-1);
    // A clock that was set back makes what came before worth nothing.
    if (last && last.at > now) trail.samples.length = 0;
    trail.samples.push({ at: now, valueC: reading.value });
    if (trail.samples.length > MAX_SAMPLES) trail.samples.shift();
  }

  /** Null when the incident threatens no rack and no UPS, or nothing of it stands any more. */
  of(incident: Incident): Race | null {
    const at = this.#deps.clock.nowMs();
    const { topology } = this.#deps;
    const standing = [...incident.members.values()].filter(isStanding);
    const racks = new Set<string>();
    const upses = new Set<string>();
    for (const { fact } of standing) {
      if (!isThreat(fact)) continue;
      for (const id of [fact.place, ...topology.effectsOf(fact.place)]) {
        const kind = topology.place(id)?.kind;
        if (kind === "rack" && (fact.kind === "rack" || topology.warms(fact.place).has(id)))
          racks.add(id);
        if (kind === "ups") upses.add(id);
      }
    }
    const rackRows = [...racks].slice(0, MAX_RACKS).map((id) => this.#rack(id, at));
    const upsRows = [...upses].slice(0, MAX_UPS).flatMap((id) => this.#ups(id, at));
    if (rackRows.length + upsRows.length === 0) return null;
    rackRows.sort((a, b) => (a.minutes ?? Infinity) - (b.minutes ?? Infinity) || byLabel(a, b));
    return { at, racks: rackRows, ups: upsRows, first: firstOf(rackRows, upsRows) };
  }

  /** Notes how the rises of these racks bend, at most once a minute for each inlet. */
  learn(race: Race): void {
    const now = this.#deps.clock.nowMs();
    for (const { rack } of race.racks)
      for (const trail of this.#trails.get(rack)?.values() ?? []) {
        if (now - trail.learnedAt < LEARN_EVERY_MS) continue;
        const bend = bendOf(trail.samples, now, windowMsFor(trail.point.info.periodMs));
        const room = this.#deps.topology.place(rack)?.room;
        if (bend === null || !room) continue;
        trail.learnedAt = now;
        try {
          this.#bends.learn(room, now, bend);
        } catch (error) {
          // What the room teaches during a full disk is lost; the cautious figures stay.
          if (!isStorageFault(error)) throw error;
        }
      }
  }

  #begin(point: LivePoint): Trail {
    const limitC = limitOf(point.info.id, this.#deps.rules) ?? this.#deps.site.inletBand.highC;
    return { point, samples: [], limitC, learnedAt: 0 };
  }

  #rack(id: string, now: EpochMs): RaceRack {
    const { topology, site } = this.#deps;
    const place = topology.place(id);
    const label = place?.label ?? id;
    const bend = this.#bends.of(place?.room ?? "");
    const unknown: RaceRack = {
      ...{ rack: id, label, inletC: null, limitC: site.inletBand.highC, minutes: null },
      ...{ earliestMinutes: null, latestMinutes: null, why: "not known: no inlet is read" },
    };
    const rows = [...(this.#trails.get(id)?.values() ?? [])].map((trail): RaceRack => {
      const { point, samples, limitC } = trail;
      const { reading, info } = point;
      const isGood = reading?.quality === "good" && !this.#deps.live.isStale(point, now);
      const windowMs = windowMsFor(info.periodMs);
      const foreseen: Forecast = isGood
        ? forecast(samples, { limitC, bend, now, windowMs })
        : { kind: "none", why: "not known: no good reading at present" };
      const inletC = isGood ? reading.value : null;
      return { ...unknown, inletC, limitC, ...minutesIn(foreseen) };
    });
    // The soonest speaks for the rack; one that is not known counts less than one that is.
    const worth = ({ minutes, inletC }: RaceRack) =>
      minutes ?? (inletC === null ? 2e6 : 1e6 - inletC);
    return rows.sort((a, b) => worth(a) - worth(b))[0] ?? unknown;
  }

  /** Nothing for a UPS that says it is not on battery: its runtime does not count down. */
  #ups(id: string, now: EpochMs): Race["ups"] {
    const onBattery = this.#value(`${id}.on-battery`, now);
    if (onBattery === 0) return [];
    const seconds = this.#value(`${id}.runtime`, now);
    const label = this.#deps.topology.place(id)?.label ?? id;
    return [{ ups: id, label, minutes: seconds === null ? null : seconds / 60 }];
  }

  #value(id: string, now: EpochMs): number | null {
    const point = this.#deps.live.point(id);
    if (point?.reading?.quality !== "good" || this.#deps.live.isStale(point, now)) return null;
    return point.reading.value;
  }
}

/** Alarms that mean racks get warm or batteries empty. */
function isThreat({ nature, kind }: Member["fact"]): boolean {
  if (nature === "electric") return isPowerKind(kind);
  return nature === "cooling" || nature === "heat" || nature === "open";
}

/** The limit of the most urgent rule on a point. */
function limitOf(point: string, rules: readonly SiteRule[]): number | null {
  let best: SiteRule | undefined;
  for (const rule of rules) {
    if (rule.condition.kind !== "limit" || rule.condition.above === undefined) continue;
    if (!rule.points.some((pattern) => globMatcher(pattern)(point))) continue;
    if (!best || rule.priority < best.priority) best = rule;
  }
  return best?.condition.kind === "limit" ? (best.condition.above ?? null) : null;
}

function minutesIn(
  foreseen: Forecast,
): Pick<RaceRack, "minutes" | "earliestMinutes" | "latestMinutes" | "why"> {
  switch (foreseen.kind) {
    case "crossed":
      return { minutes: 0, earliestMinutes: 0, latestMinutes: 0, why: null };
    case "rising": {
      const { minutes, earliest, latest } = foreseen;
      const why = latest === null ? "it may level off before" : null;
      return { minutes, earliestMinutes: earliest, latestMinutes: latest, why };
    }
    case "none":
      return { minutes: null, earliestMinutes: null, latestMinutes: null, why: foreseen.why };
  }
}

function firstOf(racks: readonly RaceRack[], upses: Race["ups"]): Race["first"] {
  const all = [
    ...racks.map(({ label, minutes }) => ({ kind: "heat" as const, label, minutes })),
    ...upses.map(({ label, minutes }) => ({ kind: "power" as const, label, minutes })),
  ].flatMap(({ minutes, ...rest }) => (minutes === null ? [] : [{ ...rest, minutes }]));
  return all.sort((a, b) => a.minutes - b.minutes)[0] ?? null;
}

const byLabel = (a: RaceRack, b: RaceRack) => (a.label < b.label ? -1 : 1);
