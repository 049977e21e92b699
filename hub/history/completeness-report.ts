import type { LedgerRecord } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { PointInfo } from "../../contract/message.ts";
import type { Ledger } from "../ledger/ledger.ts";
import {
  type Aggregate,
  ceilTo,
  FIVE_MIN_MS,
  floorTo,
  HOUR_MS,
  TIER_KEPT_MS,
  TIER_STEP_MS,
  type Tier,
} from "./aggregate.ts";
import { judgeCounts, percentOf, type Stretch } from "./completeness.ts";
import type { Coverage } from "./coverage.ts";
import { type HistoryStore, MAX_POINTS_ASKED } from "./store.ts";

/** The youngest readings are still on their way. */
const ON_THE_WAY_MS = 60_000;
/** Up to this range the readings themselves are counted, beyond it their rollups. */
const RAW_RANGE_MS = 6 * HOUR_MS;
const WANTED_BUCKETS = 750;
/** Hours of points whose rollups are out of date that are counted anew; beyond it the answer is `settling`. */
const MAX_DIRTY = 5_000;
/** Searches for the exact edges of holes in one answer; beyond it they are as wide as a bucket. */
const MAX_SEARCHES = 200;
/** Missing ranges named per point. */
export const MAX_RANGES = 20;
/** A hole is a silence longer than this many periods. */
const HOLE_PERIODS = 2.5;
const MAX_GAP_PAGES = 5;
const GAP_PAGE = 1_000;

export interface CompletenessQuestion {
  fromMs: EpochMs;
  toMs: EpochMs;
  points: readonly { info: PointInfo; node: string }[];
}

export interface PointCompleteness {
  node: string;
  point: string;
  expected: number;
  stored: number;
  percent: number;
  /** Nothing was expected before: the point's first reading. Null when there never was one. */
  since: EpochMs | null;
  missing: Stretch[];
  /** More ranges are missing than are named. */
  more: boolean;
  /** The named ranges are only as exact as what is kept of that time. */
  approximate: boolean;
  /** What the node itself declared as thinned out or lost. */
  gaps: (Stretch & { count: number; why: string })[];
}

export interface Completeness {
  fromMs: EpochMs;
  toMs: EpochMs;
  items: PointCompleteness[];
  /** Late readings are still being counted; ask again in a few minutes. */
  settling: boolean;
}

export interface CompletenessDeps {
  store: Pick<HistoryStore, "aggregate" | "holes">;
  coverage: Coverage;
  ledger: Pick<Ledger, "read">;
  clock: Clock;
}

/** What a range of time should hold of each point, what it holds, and where something is missing. */
export class CompletenessReporter {
  readonly #deps: CompletenessDeps;

  constructor(deps: CompletenessDeps) {
    this.#deps = deps;
  }

  /** Throws RangeError for more than `MAX_POINTS_ASKED` points; rejects with StoreError when the store is away. */
  async report(question: CompletenessQuestion): Promise<Completeness> {
    const { points } = question;
    if (points.length > MAX_POINTS_ASKED)
      throw new RangeError(`${points.length} points asked, at most ${MAX_POINTS_ASKED} allowed`);
    const scale = scaleOf(question, this.#deps.clock.nowMs());
    const { fromMs, toMs } = scale;
    if (toMs <= fromMs) return { fromMs, toMs: fromMs, items: [], settling: false };
    const { counts, settling } = await this.#count(question, scale);
    const declared = this.#gaps(fromMs, toMs);
    const search = { left: MAX_SEARCHES };
    const items: PointCompleteness[] = [];
    for (const { info, node } of points) {
      const held = counts.get(info.id) ?? [];
      const item = await this.#judge({ info, node, held, scale, search });
      const gaps = declared.filter(
        (gap) => gap.node === node && (gap.point ?? info.id) === info.id,
      );
      items.push({ ...item, gaps: gaps.map(({ node: _, point: __, ...gap }) => gap) });
    }
    return { fromMs, toMs, items, settling };
  }

  async #judge({
    info,
    node,
    held,
    scale,
    search,
  }: Subject): Promise<Omit<PointCompleteness, "gaps">> {
    const since = this.#deps.coverage.firstAt(info.id) ?? null;
    const range = { from: Math.max(scale.fromMs, since ?? 0), to: scale.toMs };
    const { periodMs } = info;
    const { stepMs } = scale;
    const { expected, stored, suspect } = judgeCounts({ periodMs, range, counts: held, stepMs });
    const named = suspect.slice(0, MAX_RANGES);
    const missing: Stretch[] = [];
    let approximate = false;
    for (const stretch of named) {
      const exact = await this.#exact(info, stretch, { range, search });
      if (!exact) approximate = true;
      for (const hole of exact ?? [stretch])
        if (!missing.some(({ from }) => from === hole.from)) missing.push(hole);
    }
    const more = suspect.length > named.length || missing.length > MAX_RANGES;
    const percent = percentOf(stored, expected, missing.length === 0);
    const counted = { node, point: info.id, expected, stored, percent, since };
    return { ...counted, missing: missing.slice(0, MAX_RANGES), more, approximate };
  }

  /** The holes in and around a stretch; undefined when it cannot or may not be looked at more closely. */
  async #exact(
    { id: point, periodMs }: PointInfo,
    stretch: Stretch,
    { range, search }: { range: Stretch; search: { left: number } },
  ): Promise<Stretch[] | undefined> {
    const rawSince = this.#deps.clock.nowMs() - TIER_KEPT_MS.raw;
    if (stretch.from < rawSince || search.left === 0) return undefined;
    search.left -= 1;
    const longerThanMs = HOLE_PERIODS * periodMs;
    const fromMs = Math.max(range.from, Math.floor(stretch.from - longerThanMs));
    const toMs = Math.min(range.to, Math.ceil(stretch.to + longerThanMs));
    const query = { point, fromMs, toMs, longerThanMs, limit: MAX_RANGES + 1 };
    const holes = await this.#deps.store.holes(query);
    // The first reading that is missing was due a period after the last that is there.
    return holes.map(({ from, to }) => ({ from: from === fromMs ? from : from + periodMs, to }));
  }

  async #count({ points }: CompletenessQuestion, { tier, ...range }: Scale) {
    const { store, coverage } = this.#deps;
    const ids = points.map(({ info }) => info.id);
    const counts = await store.aggregate({ tier, points: ids, ...range });
    if (tier === "raw") return { counts, settling: false };
    const dirty = coverage.dirtyIn(range, MAX_DIRTY + 1);
    const wanted = new Set(ids);
    const { stepMs } = range;
    for (const [hour, dirtyPoints] of byHour(dirty.slice(0, MAX_DIRTY))) {
      const some = dirtyPoints.filter((point) => wanted.has(point));
      if (some.length === 0) continue;
      const bounds = {
        fromMs: Math.max(hour, range.fromMs),
        toMs: Math.min(hour + HOUR_MS, range.toMs),
      };
      const stale = await store.aggregate({ tier, points: some, ...bounds, stepMs });
      const fresh = await store.aggregate({ tier: "raw", points: some, ...bounds, stepMs });
      for (const point of some)
        counts.set(
          point,
          replaced(counts.get(point) ?? [], stale.get(point) ?? [], fresh.get(point) ?? []),
        );
    }
    return { counts, settling: dirty.length > MAX_DIRTY };
  }

  /** Gaps that nodes declared and that touch the range. A gap is recorded after what it tells of. */
  #gaps(fromMs: EpochMs, toMs: EpochMs): DeclaredGap[] {
    const found: DeclaredGap[] = [];
    let cursor: number | undefined;
    for (let page = 0; page < MAX_GAP_PAGES; page += 1) {
      const query = { type: "node.gap", from: fromMs, limit: GAP_PAGE, cursor };
      const { items, next } = this.#deps.ledger.read(query);
      found.push(
        ...items.flatMap(declaredGap).filter(({ from, to }) => to >= fromMs && from < toMs),
      );
      if (next === null) break;
      cursor = next;
    }
    return found;
  }
}

interface Subject {
  info: PointInfo;
  node: string;
  held: readonly Aggregate[];
  scale: Scale;
  search: { left: number };
}

interface Scale extends Pick<CompletenessQuestion, "fromMs" | "toMs"> {
  tier: Tier;
  stepMs: number;
}

/** The range cut to what can be answered, and the width of the buckets it is counted in. */
function scaleOf({ fromMs, toMs }: CompletenessQuestion, now: EpochMs): Scale {
  const endMs = Math.min(toMs, now - ON_THE_WAY_MS);
  const wanted = (endMs - fromMs) / WANTED_BUCKETS;
  const old = fromMs < now - TIER_KEPT_MS.raw;
  if (endMs - fromMs <= RAW_RANGE_MS && !old)
    return { tier: "raw", fromMs, toMs: endMs, stepMs: Math.max(1_000, ceilTo(wanted, 1_000)) };
  const coarse = wanted > FIVE_MIN_MS || fromMs < now - TIER_KEPT_MS["5m"];
  const tier = coarse ? "1h" : "5m";
  const width = TIER_STEP_MS[tier];
  return {
    tier,
    fromMs: floorTo(fromMs, width),
    toMs: floorTo(endMs, width),
    stepMs: Math.max(width, ceilTo(wanted, width)),
  };
}

/** The buckets of an hour counted anew: what its rollups gave goes, what its readings give comes. */
function replaced(
  all: readonly Aggregate[],
  stale: readonly Aggregate[],
  fresh: readonly Aggregate[],
): Aggregate[] {
  const byTime = new Map(all.map((aggregate) => [aggregate.at, { ...aggregate }]));
  const change = (parts: readonly Aggregate[], sign: 1 | -1) => {
    for (const part of parts) {
      const held = byTime.get(part.at);
      if (held) held.rows += sign * part.rows;
      else if (sign === 1) byTime.set(part.at, { ...part });
    }
  };
  change(stale, -1);
  change(fresh, 1);
  return [...byTime.values()].sort((a, b) => a.at - b.at);
}

function byHour(dirty: readonly { point: string; hour: EpochMs }[]): Map<EpochMs, string[]> {
  const hours = new Map<EpochMs, string[]>();
  for (const { point, hour } of dirty) {
    const points = hours.get(hour);
    if (points) points.push(point);
    else hours.set(hour, [point]);
  }
  return hours;
}

interface DeclaredGap extends Stretch {
  node: string;
  point: string | undefined;
  count: number;
  why: string;
}

function declaredGap({ node, at, detail }: LedgerRecord): DeclaredGap[] {
  if (node === null) return [];
  const { point, from, to, count, detail: why } = detail;
  return [
    {
      node,
      point: typeof point === "string" ? point : undefined,
      from: typeof from === "number" ? from : at,
      to: typeof to === "number" ? to : at,
      count: typeof count === "number" ? count : 0,
      why: typeof why === "string" ? why : "",
    },
  ];
}
