import { judge } from "../../contract/alarm/condition.ts";
import { INITIAL_STATE, step } from "../../contract/alarm/engine.ts";
import type { AlarmRule } from "../../contract/alarm/rule.ts";
import { SwingWindow } from "../../contract/alarm/swing.ts";
import type { EpochMs } from "../../contract/clock.ts";
import { bad, good, type Measurement } from "../../contract/reading.ts";
import type { Aggregate } from "../history/aggregate.ts";

/** How often the hub itself lets delays run out. */
const TICK_MS = 1_000;

/** One time a rule would have raised an alarm. */
export interface Raised {
  raisedAt: EpochMs;
  clearedAt: EpochMs | null;
}

export interface PlayDeps {
  rule: AlarmRule;
  /** A reading older than this is none for the present. */
  staleMs: number;
}

/**
 * Plays one point's history to the engine that judges live values, with ticks of a second between. Time comes
 * from the history. Acknowledgements are not played: how people reacted to another rule is not known.
 */
export class Play {
  readonly #rule: AlarmRule;
  readonly #staleMs: number;
  readonly #window: SwingWindow | undefined;
  readonly #raised: Raised[] = [];
  #state = INITIAL_STATE;
  #measurement: Measurement | undefined;
  #at: EpochMs = Number.NaN;
  #lastAt: EpochMs | null = null;

  constructor({ rule, staleMs }: PlayDeps) {
    this.#rule = rule;
    this.#staleMs = staleMs;
    if (rule.condition.kind === "swing") this.#window = new SwingWindow(rule.condition.windowMs);
  }

  /** Every occurrence so far. */
  get raised(): readonly Raised[] {
    return this.#raised;
  }

  take(at: EpochMs, measurement: Measurement): void {
    this.tickTo(at);
    this.#measurement = measurement;
    this.#lastAt = at;
    if (measurement.quality === "good") this.#window?.add(at, measurement.value);
    this.#judge(at);
  }

  /** Lets the time pass without a reading. */
  tickTo(at: EpochMs): void {
    if (Number.isNaN(this.#at)) this.#at = at;
    // A delay that runs out at the very moment of a reading is over before it. While nothing can
    // change with time alone there is no need to look every second.
    while (this.#at + TICK_MS <= at && this.#isMoving()) this.#judge(this.#at + TICK_MS);
    if (this.#at < at) this.#at = at;
  }

  #isMoving(): boolean {
    const { phase } = this.#state;
    if (this.#measurement === undefined) return false;
    if (phase.name !== "normal") return true;
    return this.#lastAt !== null && this.#at - this.#lastAt <= this.#staleMs + TICK_MS;
  }

  #judge(at: EpochMs): void {
    this.#at = at;
    const measurement = this.#measurement;
    if (!measurement || this.#lastAt === null) return;
    const stale = at - this.#lastAt > this.#staleMs;
    const window = this.#window?.at(at);
    const evidence = { measurement, stale, ...(window && { window }) };
    const done = step(this.#state, judge(this.#rule.condition, evidence), at, this.#rule);
    this.#state = done.state;
    if (done.changes.includes("raised")) this.#raised.push({ raisedAt: at, clearedAt: null });
    const newest = this.#raised.at(-1);
    if (newest && done.changes.includes("cleared")) newest.clearedAt = at;
  }
}

/**
 * What a stretch of history says, in the order it is played. Of a stretch with several readings only the
 * extremes are known: both are played, the one nearer to the last value first.
 */
export function measurementsOf({ low, high, good: count, rows, at }: Aggregate, widthMs: number) {
  if (count === 0) return [{ at, measurement: bad("not-available") as Measurement }];
  if (rows === 1 || low === high) return [{ at, measurement: good(low) as Measurement }];
  return [
    { at, measurement: good(low) as Measurement },
    { at: at + Math.floor(widthMs / 2), measurement: good(high) as Measurement },
  ];
}
