import type { AlarmHealth, Figure } from "../../contract/alarm-health.ts";
import type { EpochMs } from "../../contract/clock.ts";
import type { Activation } from "./activation-table.ts";
import { FLOOD_ABOVE, FloodFinder, SlidingCount, TEN_MINUTES_MS } from "./floods.ts";
import { Repeats } from "./repeats.ts";

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const HOUR_ABOVE = 30;
/** The most of each list that is said. */
const MAX_LISTED = 200;
const TOP = 10;

/** What is aimed at for each priority, in % of all. */
const SHARES = [
  { priority: 1, target: 1, bad: "above" },
  { priority: 2, target: 5, bad: "above" },
  { priority: 3, target: 15, bad: "above" },
  { priority: 4, target: 80, bad: "below" },
] as const;

export type Measured = Omit<AlarmHealth, "standing" | "shelved">;

/**
 * Counts what sounded by the definitions of ISA-18.2 and EEMUA 191. Give it every activation in order of time,
 * from a day before the period on, so that a flood that had begun before is known.
 */
export class HealthMeter {
  readonly #from: EpochMs;
  readonly #to: EpochMs;
  readonly #floods = new FloodFinder();
  readonly #hour = new SlidingCount(HOUR_MS);
  readonly #minute = new SlidingCount(MINUTE_MS);
  readonly #repeats = new Repeats();
  readonly #tens = new FixedWindows(TEN_MINUTES_MS, FLOOD_ABOVE);
  readonly #hours = new FixedWindows(HOUR_MS, HOUR_ABOVE);
  readonly #priorities = new Map<number, number>();
  readonly #acknowledged: number[] = [];
  readonly #cleared: number[] = [];
  readonly #operators = new Map<string, number[]>();
  #raised = 0;
  #worstHour = 0;
  #worstMinute = 0;

  constructor(from: EpochMs, to: EpochMs) {
    this.#from = from;
    this.#to = to;
  }

  add(activation: Activation): void {
    const { raisedAt: at, priority } = activation;
    if (at >= this.#to) return;
    const counts = at >= this.#from;
    if (counts && this.#raised === 0) this.#floods.forgetHighest();
    this.#floods.add(at);
    this.#repeats.add(activation, counts);
    const inHour = this.#hour.add(at);
    const inMinute = this.#minute.add(at);
    if (!counts) return;
    this.#raised += 1;
    this.#worstHour = Math.max(this.#worstHour, inHour);
    this.#worstMinute = Math.max(this.#worstMinute, inMinute);
    this.#tens.add(at);
    this.#hours.add(at);
    this.#priorities.set(priority, (this.#priorities.get(priority) ?? 0) + 1);
    this.#time(activation);
  }

  result(): Measured {
    const [from, to, raised] = [this.#from, this.#to, this.#raised];
    const lengthMs = to - from;
    const floods = this.#floods
      .until(to)
      .filter((flood) => flood.to > from)
      .map((flood) => ({ ...flood, from: Math.max(from, flood.from) }));
    const floodMs = floods.reduce((sum, flood) => sum + flood.to - flood.from, 0);
    const top = this.#repeats.most(TOP);
    const topTimes = top.reduce((sum, { times }) => sum + times, 0);
    const share = (times: number) => (raised === 0 ? null : (100 * times) / raised);
    return {
      ...{ from, to, raised },
      perTenMinutes: tooMany((raised * TEN_MINUTES_MS) / lengthMs, 1, "alarms in 10 min"),
      worstTenMinutes: tooMany(this.#highest(), FLOOD_ABOVE, "alarms in 10 min"),
      worstHour: tooMany(this.#worstHour, 15, "alarms in 1 h"),
      worstMinute: tooMany(this.#worstMinute, 2, "alarms in 1 min"),
      windowsAboveTen: tooMany(this.#tens.shareIn(from, to), 1, "%"),
      hoursAboveThirty: tooMany(this.#hours.shareIn(from, to), 1, "%"),
      timeInFlood: tooMany((100 * floodMs) / lengthMs, 1, "%"),
      floods: floods.slice(-MAX_LISTED),
      chattering: this.#repeats.chattering().slice(0, MAX_LISTED),
      fleeting: this.#repeats.fleeting().slice(0, MAX_LISTED),
      topTen: top.map((one) => ({ ...one, sharePercent: share(one.times) ?? 0 })),
      topTenShare: tooMany(share(topTimes), 5, "%"),
      priorities: SHARES.map(({ priority, target, bad }) => {
        const count = this.#priorities.get(priority) ?? 0;
        return { priority, count, share: { value: share(count), target, bad, unit: "%" } };
      }),
      acknowledge: quantiles(this.#acknowledged),
      clear: quantiles(this.#cleared),
      operators: [...this.#operators]
        .map(([name, times]) => ({ name, acknowledged: times.length, ...quantiles(times) }))
        .sort((a, b) => b.acknowledged - a.acknowledged)
        .slice(0, MAX_LISTED),
    };
  }

  /** Nothing within the period: what came before it does not count. */
  #highest = (): number => (this.#raised === 0 ? 0 : this.#floods.highest);

  #time({ raisedAt, ackedAt, ackedBy, clearedAt }: Activation): void {
    if (clearedAt !== null) this.#cleared.push((clearedAt - raisedAt) / 1_000);
    if (ackedAt === null) return;
    const seconds = (ackedAt - raisedAt) / 1_000;
    this.#acknowledged.push(seconds);
    const name = operatorOf(ackedBy ?? "somebody");
    const times = this.#operators.get(name) ?? [];
    times.push(seconds);
    this.#operators.set(name, times);
  }
}

/** Windows that stand still, as on a chart: how many of them hold more than they should. */
class FixedWindows {
  readonly #widthMs: number;
  readonly #limit: number;
  #index = Number.NaN;
  #count = 0;
  #above = 0;

  constructor(widthMs: number, limit: number) {
    this.#widthMs = widthMs;
    this.#limit = limit;
  }

  add(at: EpochMs): void {
    const index = Math.floor(at / this.#widthMs);
    if (index !== this.#index) this.#count = 0;
    this.#index = index;
    this.#count += 1;
    if (this.#count === this.#limit + 1) this.#above += 1;
  }

  /** In % of all windows the period touches. */
  shareIn(from: EpochMs, to: EpochMs): number {
    const all = Math.floor((to - 1) / this.#widthMs) - Math.floor(from / this.#widthMs) + 1;
    return (100 * this.#above) / all;
  }
}

const tooMany = (value: number | null, target: number, unit: string): Figure => ({
  ...{ value, target, bad: "above", unit },
});

/** Nearest rank: a value that was measured, never one between two. */
export function quantiles(values: readonly number[]): { p50S: number | null; p95S: number | null } {
  const sorted = Float64Array.from(values).sort();
  const rank = (share: number) => sorted[Math.ceil(share * sorted.length) - 1] ?? null;
  return { p50S: rank(0.5), p95S: rank(0.95) };
}

/** One person is one operator, however they answered. */
const operatorOf = (by: string): string => by.replace(/ \((SMS|link in the message)\)$/, "");
