import type { EpochMs } from "../../contract/clock.ts";
import type { Activation } from "./activation-table.ts";

/** An alarm chatters when it comes three times within this. */
export const CHATTER_MS = 60_000;
/** A fleeting alarm is over within this, before anybody could act … */
export const FLEETING_MS = 10_000;
/** … and does not come again at once. */
const AT_ONCE_MS = 60_000;

export interface Repeated {
  alarm: string;
  title: string;
  times: number;
}

interface Habit extends Repeated {
  /** When it came last, and the time before. */
  lastAt: EpochMs;
  beforeAt: EpochMs;
  chatters: boolean;
  chattered: number;
  fleeted: number;
  /** The newest was short and alone so far. */
  maybeFleeting: boolean;
}

/** Counts per alarm: how often it came, chattered and was gone before anybody could look. */
export class Repeats {
  readonly #habits = new Map<string, Habit>();

  /** In order of time. One that does not count is only looked at for what follows. */
  add(activation: Activation, counts: boolean): void {
    const { alarm, title, raisedAt: at } = activation;
    const known = this.#habits.get(alarm) ?? fresh(alarm);
    const again = at - known.lastAt < AT_ONCE_MS;
    if (known.maybeFleeting && !again) known.fleeted += 1;
    known.maybeFleeting = counts && !again && isShort(activation);
    const chatters = at - known.beforeAt < CHATTER_MS;
    if (chatters && !known.chatters && counts) known.chattered += 1;
    known.chatters = chatters;
    known.beforeAt = known.lastAt;
    known.lastAt = at;
    known.title = title;
    if (counts) known.times += 1;
    this.#habits.set(alarm, known);
  }

  most = (count: number): Repeated[] =>
    sorted([...this.#habits.values()].map(({ alarm, title, times }) => ({ alarm, title, times })))
      .filter(({ times }) => times > 0)
      .slice(0, count);

  /** `times` is how often it began to chatter. */
  chattering = (): Repeated[] => this.#with(({ chattered }) => chattered);

  fleeting = (): Repeated[] =>
    this.#with(({ fleeted, maybeFleeting }) => fleeted + (maybeFleeting ? 1 : 0));

  #with(timesOf: (habit: Habit) => number): Repeated[] {
    const all = [...this.#habits.values()];
    const counted = all.map((habit) => ({ ...named(habit), times: timesOf(habit) }));
    return sorted(counted.filter(({ times }) => times > 0));
  }
}

const named = ({ alarm, title }: Repeated) => ({ alarm, title });

const sorted = (list: Repeated[]): Repeated[] =>
  list.sort((a, b) => b.times - a.times || (a.alarm < b.alarm ? -1 : 1));

function fresh(alarm: string): Habit {
  const never = Number.NEGATIVE_INFINITY;
  return {
    ...{ alarm, title: alarm, times: 0, chattered: 0, fleeted: 0 },
    ...{ lastAt: never, beforeAt: never, chatters: false, maybeFleeting: false },
  };
}

/** Over by itself within seconds. */
function isShort({ raisedAt, clearedAt, ackedAt }: Activation): boolean {
  if (clearedAt === null || clearedAt - raisedAt > FLEETING_MS) return false;
  return ackedAt === null || ackedAt > clearedAt;
}
