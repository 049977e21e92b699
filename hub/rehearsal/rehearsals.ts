import type { Logger } from "pino";
import type { Rehearsal } from "../../contract/alarm-health.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { globMatcher } from "../../contract/id.ts";
import { staleAfterMs } from "../../contract/reading.ts";
import type { ActivationTable } from "../alarm-health/activation-table.ts";
import type { SiteRule } from "../config/hub-config.ts";
import type { AddressBook } from "../delivery/address-book.ts";
import { type HistoryStore, MAX_BUCKETS } from "../history/store.ts";
import type { LivePoint } from "../live/live-state.ts";
import { compared, type Occurred } from "./compared.ts";
import { measurementsOf, Play } from "./rehearsal.ts";

export const MAX_REHEARSED_MS = 90 * 86_400_000;
export const MAX_REHEARSED_POINTS = 50;
/** Finished ones kept for people to look at. */
const MAX_KEPT = 20;
/** Played before the period, so that it is known how things stood when it began. */
const WARM_UP_MS = 3_600_000;
const MAX_ITEMS = 2_000;
/** Occurrences of one rule that are compared; beyond it the rehearsal fails and says so. */
const MAX_OCCURRENCES = 20_000;
const KINDS: readonly string[] = ["limit", "digital", "swing"];
export const canRehearse = ({ condition }: SiteRule): boolean => KINDS.includes(condition.kind);

export interface RehearsalDeps {
  rules: readonly SiteRule[];
  live: { points(): Iterable<LivePoint> };
  store: Pick<HistoryStore, "aggregate">;
  table: Pick<ActivationTable, "ofRule">;
  book: Pick<AddressBook, "ladderOf" | "waysTo">;
  clock: Pick<Clock, "nowMs">;
  log: Logger;
}

/** It cannot be rehearsed; the message says why. */
export class RehearsalRefused extends Error {}

interface Span {
  from: EpochMs;
  to: EpochMs;
}

/** Plays history over a rule and says what would have been told. One at a time, in small pieces. */
export class Rehearsals {
  readonly #deps: RehearsalDeps;
  readonly #kept = new Map<string, Rehearsal>();
  #count = 0;

  constructor(deps: RehearsalDeps) {
    this.#deps = deps;
  }

  get = (id: string): Rehearsal | undefined => this.#kept.get(id);
  /** The newest first. */
  list = (): Rehearsal[] => [...this.#kept.values()].reverse();

  /** Begins; `done` resolves at its end. Throws RehearsalRefused for what cannot be played. */
  start(rule: SiteRule, span: Span): { rehearsal: Rehearsal; done: Promise<void> } {
    const points = this.#check(rule, span);
    this.#count += 1;
    const resolutionMs = resolutionOf(points);
    const nothing = { alarms: 0, pages: 0 };
    const rehearsal: Rehearsal = {
      ...{ id: `rehearsal-${this.#count}`, ...span, state: "running", percent: 0, resolutionMs },
      ...{ points: points.length, before: nothing, after: nothing, items: [], error: null },
    };
    this.#kept.set(rehearsal.id, rehearsal);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > MAX_KEPT && oldest !== undefined) this.#kept.delete(oldest);
    return { rehearsal, done: this.#play(rehearsal, rule, points) };
  }

  #check(rule: SiteRule, { from, to }: Span): LivePoint[] {
    const { live, clock } = this.#deps;
    if (!canRehearse(rule))
      throw new RehearsalRefused(
        `A "${rule.condition.kind}" rule cannot be rehearsed; allowed: above and below, equals, swing.`,
      );
    if (from >= to || to > clock.nowMs())
      throw new RehearsalRefused("from must be before to, and to not in the future.");
    if (to - from > MAX_REHEARSED_MS)
      throw new RehearsalRefused("At most 90 days can be rehearsed.");
    if (from < clock.nowMs() - MAX_REHEARSED_MS)
      throw new RehearsalRefused("Readings are kept for 90 days; from lies before that.");
    if ([...this.#kept.values()].some(({ state }) => state === "running"))
      throw new RehearsalRefused("Another rehearsal is running; wait for its end.");
    const matchers = rule.points.map(globMatcher);
    const points = [...live.points()].filter(({ info }) => matchers.some((m) => m(info.id)));
    if (points.length === 0) throw new RehearsalRefused("The rule matches no point there is.");
    if (points.length > MAX_REHEARSED_POINTS)
      throw new RehearsalRefused(
        `The rule matches ${points.length} points; at most ${MAX_REHEARSED_POINTS} at once.`,
      );
    return points;
  }

  async #play(rehearsal: Rehearsal, rule: SiteRule, points: LivePoint[]): Promise<void> {
    try {
      const after = await this.#after(rehearsal, rule, points);
      this.#finish(rehearsal, rule, after);
    } catch (error) {
      // The store may be away, or the rule too loud; the one who asked is told.
      rehearsal.error = (error as Error).message;
      rehearsal.state = "failed";
      this.#deps.log.warn({ err: error, rehearsal: rehearsal.id }, "rehearsal failed");
    }
  }

  async #after(rehearsal: Rehearsal, rule: SiteRule, points: LivePoint[]): Promise<Occurred[]> {
    const { store } = this.#deps;
    const { from, to, resolutionMs: stepMs } = rehearsal;
    const plays = new Map(
      points.map(({ info }) => [info.id, new Play({ rule, staleMs: staleAfterMs(info.periodMs) })]),
    );
    const windowMs = rule.condition.kind === "swing" ? rule.condition.windowMs : 0;
    const startMs = from - Math.max(WARM_UP_MS, windowMs + rule.onDelayMs + rule.offDelayMs);
    const ids = [...plays.keys()];
    for (let fromMs = startMs; fromMs < to; fromMs += (MAX_BUCKETS - 1) * stepMs) {
      const toMs = Math.min(to, fromMs + (MAX_BUCKETS - 1) * stepMs);
      const found = await store.aggregate({ tier: "raw", points: ids, fromMs, toMs, stepMs });
      for (const [id, play] of plays) {
        for (const bucket of found.get(id) ?? [])
          for (const { at, measurement } of measurementsOf(bucket, stepMs))
            play.take(at, measurement);
        play.tickTo(toMs);
        // Other work of the hub goes between two points.
        await new Promise((resolve) => setImmediate(resolve));
        if (play.raised.length > MAX_OCCURRENCES)
          throw new Error(`${id} would have alarmed more than ${MAX_OCCURRENCES} times`);
      }
      rehearsal.percent = Math.floor((100 * (toMs - startMs)) / (to - startMs));
    }
    return [...plays].flatMap(([id, { raised }]) =>
      raised
        .filter(({ raisedAt }) => raisedAt >= from)
        .map((one) => ({ ...one, alarm: `${rule.id}.${id}`, title: titleOf(rule, id) })),
    );
  }

  #finish(rehearsal: Rehearsal, rule: SiteRule, after: Occurred[]): void {
    const { table, rules } = this.#deps;
    const { from, to, resolutionMs } = rehearsal;
    const before = table.ofRule(rule.id, from, to, MAX_OCCURRENCES);
    const today = rules.find(({ id }) => id === rule.id);
    const toleranceMs = 2 * resolutionMs + 1_000;
    Object.assign(rehearsal, {
      before: { alarms: before.length, pages: this.#pages(today ?? rule, before) },
      after: { alarms: after.length, pages: this.#pages(rule, after) },
      items: compared(before, after, toleranceMs).slice(0, MAX_ITEMS),
      percent: 100,
      state: "done",
    });
  }

  /** First messages, were nothing held back: no quiet hours, windows, floods or incidents. */
  #pages({ receivers }: SiteRule, occurred: readonly Occurred[]): number {
    const { book } = this.#deps;
    const first = book.ladderOf(receivers)[0]?.to ?? [];
    return occurred.reduce((sum, { raisedAt }) => sum + book.waysTo(first, raisedAt).length, 0);
  }
}

/** Half of the shortest period, in whole seconds: a stretch then holds one reading at most. */
function resolutionOf(points: readonly LivePoint[]): number {
  const shortestMs = Math.min(...points.map(({ info }) => info.periodMs));
  return Math.min(60_000, Math.max(1_000, Math.floor(shortestMs / 2_000) * 1_000));
}

const titleOf = (rule: SiteRule, point: string): string => `${rule.id} on ${point}`;
