import type { Clock } from "../../contract/clock.ts";
import { CLASSES, ONCE } from "../profiles/schema.ts";
import type { Block } from "./modbus-blocks.ts";
import { NO_TRIES, type Tries } from "./modbus-exchange.ts";
import type { ModbusUnit } from "./modbus-unit.ts";

/** One choice in so many goes to whoever has waited longest, so that a full line starves nobody. */
const FAIR_EVERY = 5;
/** What was lost may be lost again and is dear, so it is favoured more seldom. */
const FAIR_TO_LOST_EVERY = 20;
const LONGEST_WAIT_MS = 60_000;

/** One poll class of one unit, and what is still to be asked in its present slot. */
export interface Turn {
  unit: ModbusUnit;
  class: string;
  /** Smaller goes first. */
  rank: number;
  everyMs: number;
  /** When its next slot begins. */
  nextMs: number;
  /** When its present slot began. */
  slotMs: number;
  waiting: Block[];
  /** Of the first of `waiting`. */
  tries: Tries;
  /** The device asked for patience until then. */
  notBeforeMs: number;
}

/**
 * Chooses the next request of a link: alarm bits before measurements before slow values before texts. A
 * slot's time is counted from the start, so it does not drift; a slot that begins before the last one is
 * done is skipped.
 */
export class ModbusQueue {
  readonly #clock: Clock;
  readonly #turns: Turn[];
  readonly #open: (turn: Turn) => void;
  #choices = 0;

  /** `open` is called when a slot begins, and fills `waiting`. */
  constructor(deps: {
    clock: Clock;
    units: readonly ModbusUnit[];
    open: (turn: Turn) => void;
  }) {
    this.#clock = deps.clock;
    this.#open = deps.open;
    const now = deps.clock.monoMs();
    this.#turns = deps.units.flatMap((unit) => turnsOf(unit, now));
  }

  /** The turn whose first waiting request is to be asked; undefined when `signal` aborts or nothing is polled. */
  async next(signal: AbortSignal): Promise<Turn | undefined> {
    if (this.#turns.length === 0) return undefined;
    while (!signal.aborted) {
      const now = this.#clock.monoMs();
      for (const turn of this.#turns) if (turn.waiting.length === 0) this.#begin(turn, now);
      const turn = this.#choose(now);
      if (turn) return turn;
      await this.#clock.sleep(this.#nextEventMs(now) - now, signal);
    }
    return undefined;
  }

  /** The first request of a turn is done. */
  finish(turn: Turn): void {
    turn.waiting.shift();
    turn.tries = NO_TRIES;
    turn.notBeforeMs = 0;
  }

  /** Puts the parts of the first request in its place. */
  divide(turn: Turn, parts: readonly Block[]): void {
    this.finish(turn);
    turn.waiting.unshift(...parts);
  }

  /** Everything of one unit that waits. */
  waitingOf(unit: ModbusUnit): Turn[] {
    return this.#turns.filter((turn) => turn.unit === unit && turn.waiting.length > 0);
  }

  /** Gives up the rest of a turn's slot and returns it. */
  clear(turn: Turn): Block[] {
    const rest = turn.waiting;
    turn.waiting = [];
    turn.tries = NO_TRIES;
    turn.notBeforeMs = 0;
    return rest;
  }

  /** The unit appeared: what is read once is wanted now. */
  appeared(unit: ModbusUnit): void {
    for (const turn of this.#turns)
      if (turn.unit === unit && turn.class === ONCE) turn.nextMs = this.#clock.monoMs();
  }

  #begin(turn: Turn, now: number): void {
    if (turn.nextMs > now) return;
    turn.slotMs = turn.nextMs;
    turn.nextMs +=
      turn.class === ONCE
        ? Number.POSITIVE_INFINITY
        : turn.everyMs * (Math.floor((now - turn.nextMs) / turn.everyMs) + 1);
    this.#open(turn);
  }

  /** Looks at every turn once and makes nothing new: this runs before each request, for all units of the link. */
  #choose(now: number): Turn | undefined {
    const owing = this.#owing();
    const choice = this.#choices + 1;
    const fair = choice % FAIR_EVERY === 0;
    const fairToLost = choice % FAIR_TO_LOST_EVERY === 0;
    let urgent: Turn | undefined;
    let oldest: Turn | undefined;
    for (const turn of this.#turns) {
      if (turn.waiting.length === 0 || turn.notBeforeMs > now) continue;
      const lost = turn.tries.lost > 0;
      if (!lost && owing?.has(turn.unit)) continue;
      if (!urgent || isMoreUrgent(turn, urgent)) urgent = turn;
      if ((fairToLost || (fair && !lost)) && (!oldest || isOlder(turn, oldest))) oldest = turn;
    }
    if (urgent) this.#choices = choice;
    return oldest ?? urgent;
  }

  /** A lost question of a unit is asked again before any other: its late answer must not meet another one. */
  #owing(): Set<ModbusUnit> | undefined {
    let owing: Set<ModbusUnit> | undefined;
    for (const { tries, unit } of this.#turns)
      if (tries.lost > 0) {
        owing ??= new Set();
        owing.add(unit);
      }
    return owing;
  }

  #nextEventMs(now: number): number {
    const events = this.#turns.map((turn) =>
      turn.waiting.length > 0 ? turn.notBeforeMs : turn.nextMs,
    );
    return Math.min(now + LONGEST_WAIT_MS, ...events);
  }
}

const isOlder = (a: Turn, b: Turn) => a.slotMs < b.slotMs;
const isMoreUrgent = (a: Turn, b: Turn) =>
  a.rank < b.rank || (a.rank === b.rank && a.slotMs < b.slotMs);

function turnsOf(unit: ModbusUnit, now: number): Turn[] {
  const { fields, classes } = unit.spec.profile;
  return CLASSES.filter((name) => fields.some((field) => field.class === name)).map((name) => ({
    unit,
    class: name,
    rank: name === ONCE && unit.needsOnceFirst ? -1 : CLASSES.indexOf(name),
    everyMs: classes[name] ?? Number.POSITIVE_INFINITY,
    // Texts wait until the unit has appeared.
    nextMs: name === ONCE ? Number.POSITIVE_INFINITY : now,
    slotMs: now,
    waiting: [],
    tries: NO_TRIES,
    notBeforeMs: 0,
  }));
}
