import { QUANTITIES, type QuantityId } from "../../contract/quantity.ts";
import type { Measurement } from "../../contract/reading.ts";

/** What is known of one point during a walk. All values in the unit of its quantity. */
export interface Watched {
  device: string;
  quantity: QuantityId;
  baseline: Baseline;
  /** Samples in a row that are away from the baseline on one side, or without a value. */
  away: Away | null;
  /** The walk's count of samples when this point gave its newest one. */
  sampledAt: number;
}

interface Away {
  side: -1 | 1 | "lost";
  count: number;
  /** The walk's count of samples at the first of them. */
  since: number;
  newest: number | undefined;
  reason: string;
}

/** Learning: nothing is judged yet. `lost` is a point that had no value when the baseline was taken. */
type Baseline =
  | { is: "learning"; samples: readonly number[]; bad: number }
  | { is: "known"; mean: number; noise: number }
  | { is: "lost" };

/** A point that certainly left its baseline. */
export interface Move {
  point: string;
  device: string;
  from: number | undefined;
  /** Undefined when the point lost its value: the sensor was pulled out. */
  to: number | undefined;
  reason?: string;
  /** How many times its own noise it moved; Infinity for a contact, and for a lost or new value. */
  strength: number;
}

export interface WalkState {
  points: ReadonlyMap<string, Watched>;
  /** Samples taken so far, of all points. */
  samples: number;
}

export type Verdict =
  /** Still learning what is normal; `ready` of `total` points are. */
  | { is: "learning"; ready: number; total: number }
  | { is: "quiet" }
  /** Something moves, but slower sensors have not been read since, or one of them may be moving too. */
  | { is: "undecided"; move: Move }
  /** One device moved: its strongest point, and others of the same device that went along. */
  | { is: "moved"; move: Move; along: Move[] }
  /** Points of several devices moved at once: nobody can say which was touched. */
  | { is: "several"; moves: Move[] };

/** Samples of which a baseline is made. */
export const BASELINE_SAMPLES = 8;
/** So many times its noise a value must move … */
const STRENGTH = 6;
/** … in so many samples one after another. A contact needs one: it is debounced before. */
const STEADY_SAMPLES = 3;
/** How quickly a baseline follows a slow drift, as a room warms up: 1/64 for each quiet sample. */
const FOLLOW = 1 / 64;

/** Less than this is no touch, however quiet the sensor. A warm hand brings more in seconds. */
const LEAST_MOVE: Partial<Record<QuantityId, number>> = {
  temperature: 0.5,
  humidity: 3,
  dewPoint: 0.5,
  pressure: 2,
  airPressure: 50,
  co2: 100,
};
/** Of the whole range, for every other quantity. */
const LEAST_PART = 0.02;

export function newWalk(points: readonly { id: string; device: string; quantity: QuantityId }[]) {
  const entries = points.map(({ id, device, quantity }): [string, Watched] => [
    id,
    { device, quantity, baseline: LEARNING, away: null, sampledAt: 0 },
  ]);
  return { points: new Map(entries), samples: 0 } satisfies WalkState;
}

const LEARNING: Baseline = { is: "learning", samples: [], bad: 0 };

/** Takes one measurement. A point that is not part of the walk changes nothing. */
export function stepWalk(state: WalkState, point: string, measurement: Measurement): WalkState {
  const watched = state.points.get(point);
  if (!watched) return state;
  const samples = state.samples + 1;
  const next = stepPoint({ ...watched, sampledAt: samples }, measurement);
  return { points: new Map(state.points).set(point, next), samples };
}

/** What the walk says now. */
export function verdictOf({ points }: WalkState): Verdict {
  const known = [...points].filter(([, { baseline }]) => baseline.is !== "learning");
  const total = points.size;
  if (known.length < total) return { is: "learning", ready: known.length, total };
  const moves = known.flatMap(([point, watched]) => moveOf(point, watched) ?? []);
  const [move, ...others] = moves.toSorted((a, b) => b.strength - a.strength);
  if (!move) return { is: "quiet" };
  if (others.some(({ device }) => device !== move.device)) return { is: "several", moves };
  const since = points.get(move.point)?.away?.since ?? 0;
  const open = known.some(
    ([, other]) => other.device !== move.device && (other.away || other.sampledAt < since),
  );
  // A contact is certain at once; a slow thermometer would hold it up for seconds.
  if (open && !isStep(points.get(move.point))) return { is: "undecided", move };
  return { is: "moved", move, along: others };
}

/** Learns anew what is normal, after a mix-up. A contact's level needs no learning: it is as it is. */
export function relearn({ points, samples }: WalkState): WalkState {
  const anew = [...points].map(([id, watched]): [string, Watched] => {
    const { baseline, away, quantity } = watched;
    const level = away?.newest ?? (baseline.is === "known" ? baseline.mean : undefined);
    const certain = isStepQuantity(quantity) && level !== undefined;
    const next: Baseline = certain ? { is: "known", mean: level, noise: 0 } : LEARNING;
    return [id, { ...watched, baseline: next, away: null }];
  });
  return { points: new Map(anew), samples };
}

/** Leaves out the points of a device that has been found: a warmed probe takes minutes to cool down. */
export function leaveOut({ points, samples }: WalkState, device: string): WalkState {
  return { points: new Map([...points].filter(([, other]) => other.device !== device)), samples };
}

const isStep = (watched: Watched | undefined): boolean =>
  watched !== undefined && watched.away?.side !== "lost" && isStepQuantity(watched.quantity);

const isStepQuantity = (quantity: QuantityId): boolean =>
  quantity === "flag" || quantity === "state";

function stepPoint(watched: Watched, measurement: Measurement): Watched {
  const { baseline, quantity } = watched;
  const value = measurement.quality === "bad" ? undefined : measurement.value;
  if (baseline.is === "learning") return { ...watched, baseline: learn(baseline, value, quantity) };
  const side = sideOf(watched, value);
  if (side === 0) {
    const followed = value === undefined ? baseline : follow(baseline, value, quantity);
    return { ...watched, baseline: followed, away: null };
  }
  const before = watched.away?.side === side ? watched.away : undefined;
  const reason = measurement.quality === "bad" ? measurement.reason : "";
  const since = before?.since ?? watched.sampledAt;
  const count = (before?.count ?? 0) + 1;
  return { ...watched, away: { side, count, since, newest: value, reason } };
}

/** A contact is known by its first level; everything else by several samples, so that noise shows. */
function learn(
  baseline: Extract<Baseline, { is: "learning" }>,
  value: number | undefined,
  quantity: QuantityId,
): Baseline {
  const bad = baseline.bad + (value === undefined ? 1 : 0);
  const samples = value === undefined ? baseline.samples : [...baseline.samples, value];
  const [first] = samples;
  if (isStepQuantity(quantity) && first !== undefined)
    return { is: "known", mean: first, noise: 0 };
  if (samples.length + bad < BASELINE_SAMPLES) return { is: "learning", samples, bad };
  if (samples.length < BASELINE_SAMPLES / 2) return { is: "lost" };
  const mean = samples.reduce((sum, sample) => sum + sample, 0) / samples.length;
  const square = samples.reduce((sum, sample) => sum + (sample - mean) ** 2, 0);
  return { is: "known", mean, noise: Math.sqrt(square / (samples.length - 1)) };
}

/** 0: as normal. */
function sideOf({ baseline, quantity }: Watched, value: number | undefined): -1 | 0 | 1 | "lost" {
  if (baseline.is === "lost") return value === undefined ? 0 : 1;
  if (value === undefined) return "lost";
  if (baseline.is === "learning") return 0;
  const distance = value - baseline.mean;
  if (Math.abs(distance) <= thresholdOf(baseline.noise, quantity)) return 0;
  return distance > 0 ? 1 : -1;
}

function thresholdOf(noise: number, quantity: QuantityId): number {
  if (isStepQuantity(quantity)) return 0;
  const { min, max } = QUANTITIES[quantity];
  const least = LEAST_MOVE[quantity] ?? Math.min(LEAST_PART * (max - min), 5);
  return Math.max(STRENGTH * noise, least);
}

function follow(baseline: Baseline, value: number, quantity: QuantityId): Baseline {
  if (baseline.is !== "known" || isStepQuantity(quantity)) return baseline;
  return { ...baseline, mean: baseline.mean + FOLLOW * (value - baseline.mean) };
}

function moveOf(point: string, { device, quantity, baseline, away }: Watched): Move | undefined {
  const enough = isStepQuantity(quantity) && away?.side !== "lost" ? 1 : STEADY_SAMPLES;
  if (!away || away.count < enough) return undefined;
  const from = baseline.is === "known" ? baseline.mean : undefined;
  const to = away.newest;
  const certain = from === undefined || to === undefined || isStepQuantity(quantity);
  const noise =
    baseline.is === "known" ? Math.max(baseline.noise, thresholdOf(0, quantity) / STRENGTH) : 1;
  const strength = certain ? Infinity : Math.abs(to - from) / noise;
  return { point, device, from, to, strength, ...(away.reason ? { reason: away.reason } : {}) };
}
