import type { Logger } from "pino";
import { type Finding, judge } from "../../contract/alarm/condition.ts";
import {
  annunciates,
  type Command,
  command,
  type Step,
  step,
} from "../../contract/alarm/engine.ts";
import { onSteppedClock, StepWatch } from "../../contract/alarm/timers.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { AlarmEvent, PointInfo, StandingAlarm } from "../../contract/message.ts";
import { type Reading, staleAfterMs } from "../../contract/reading.ts";
import type { ClockState } from "../readings.ts";
import type { Spool } from "../spool/spool.ts";
import { type LocalAlarm, localAlarms, rememberAlarm, type Sight } from "./alarm-table.ts";
import type { LocalRule } from "./local-rule.ts";
import { onSetClock } from "./set-clock.ts";

const TICK_MS = 1_000;
/** What the status message holds; the most urgent, then the newest. */
const MAX_STANDING = 200;

export interface LocalAlarmsDeps {
  rules: readonly LocalRule[];
  points: readonly PointInfo[];
  spool: Pick<Spool, "recall" | "remember" | "atomically">;
  /** Must be durable on return. */
  event: (event: AlarmEvent) => void;
  clock: Clock;
  clockState: () => ClockState;
  log: Logger;
  /** The spool could not keep a change: the program must end and be started again. */
  fatal: (error: unknown) => void;
}

export type SoundingAlarm = Pick<StandingAlarm, "rule" | "subject" | "occurrence" | "acknowledged">;

/** Judges local rules by the hub's engine, hub or no hub. State and event of each change are durable together. */
export interface LocalAlarms {
  /** Takes a reading as it was measured. */
  judge(reading: Reading): void;
  /** Carries out an order from the hub; one that does not apply changes nothing. */
  order(rule: string, subject: string, order: Command): void;
  /** Alarms that stand, for the status message. */
  standing(): StandingAlarm[];
  /** Alarms that sound or would sound: active or latched, and not shelved, suppressed or out of service. */
  sounding(): SoundingAlarm[];
  /** Told after every change. */
  onChange(listener: () => void): void;
  /** Lets delays run out, once a second until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLocalAlarms(deps: LocalAlarmsDeps): LocalAlarms {
  return new LocalRuntime(deps);
}

class LocalRuntime implements LocalAlarms {
  readonly #deps: LocalAlarmsDeps;
  readonly #sights: Map<string, Sight>;
  readonly #alarms: LocalAlarm[];
  readonly #byPoint = new Map<string, LocalAlarm[]>();
  readonly #steps: StepWatch;
  readonly #listeners: (() => void)[] = [];
  #wasUnsynced: boolean;

  constructor(deps: LocalAlarmsDeps) {
    this.#deps = deps;
    const sinceMs = deps.clock.monoMs();
    this.#sights = new Map(
      deps.points.map((info) => [info.id, { info, measurement: null, sinceMs }]),
    );
    this.#alarms = localAlarms(deps.rules, this.#sights, deps.spool);
    for (const alarm of this.#alarms)
      this.#byPoint.set(alarm.subject, [...(this.#byPoint.get(alarm.subject) ?? []), alarm]);
    this.#steps = new StepWatch(deps.clock);
    this.#wasUnsynced = deps.clockState() === "unsynced";
  }

  judge = ({ point, at, ...measurement }: Reading): void => {
    const sight = this.#sights.get(point);
    if (!sight) return;
    sight.measurement = measurement;
    sight.sinceMs = this.#deps.clock.monoMs();
    const alarms = this.#byPoint.get(point) ?? [];
    if (measurement.quality === "good")
      for (const { window } of alarms) window?.add(at, measurement.value);
    this.#evaluate(alarms);
  };

  order(rule: string, subject: string, order: Command): void {
    const alarm = this.#byPoint.get(subject)?.find((other) => other.rule.id === rule);
    if (!alarm) {
      this.#deps.log.warn({ rule, subject }, "order for an alarm this node does not judge ignored");
      return;
    }
    const now = this.#now();
    this.#guarded(() => {
      if (this.#move(alarm, command(alarm.state, order, now), now, order.by)) this.#tell();
    });
  }

  standing(): StandingAlarm[] {
    return this.#alarms
      .flatMap(({ rule, subject, state: { phase } }) => {
        if (phase.name !== "active" && phase.name !== "latched") return [];
        const { occurrence, raisedAt, ack } = phase;
        const what = { rule: rule.id, subject, occurrence, priority: rule.priority };
        return [{ ...what, raisedAt: Math.round(raisedAt), acknowledged: ack !== null }];
      })
      .sort((a, b) => a.priority - b.priority || b.raisedAt - a.raisedAt)
      .slice(0, MAX_STANDING);
  }

  sounding(): SoundingAlarm[] {
    return this.#alarms.flatMap(({ rule, subject, state }) => {
      const { phase } = state;
      if ((phase.name !== "active" && phase.name !== "latched") || !annunciates(state)) return [];
      const { occurrence, ack } = phase;
      return [{ rule: rule.id, subject, occurrence, acknowledged: ack !== null }];
    });
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#deps.clock.sleep(TICK_MS, signal);
      if (!signal.aborted) this.#evaluate(this.#alarms.filter(needsTick));
    }
  }

  #evaluate(alarms: readonly LocalAlarm[]): void {
    if (alarms.length === 0) return;
    const now = this.#now();
    this.#guarded(() => {
      const moved = alarms.filter((alarm) =>
        this.#move(alarm, step(alarm.state, this.#finding(alarm), now, alarm.rule), now),
      );
      if (moved.length > 0) this.#tell();
    });
  }

  #finding({ rule, sight, window }: LocalAlarm): Finding {
    const { measurement, info, sinceMs } = sight;
    const stale = this.#deps.clock.monoMs() - sinceMs > staleAfterMs(info.periodMs);
    if (measurement) {
      const seen = window?.at(this.#deps.clock.nowMs());
      return judge(rule.condition, { measurement, stale, ...(seen && { window: seen }) });
    }
    if (rule.condition.kind !== "stale") return "unknown";
    return stale ? "breach" : "hold";
  }

  /** True when something changed. */
  #move(alarm: LocalAlarm, { state, changes }: Step, now: EpochMs, by?: string): boolean {
    const { spool, event, clockState, log } = this.#deps;
    if (changes.length === 0) {
      alarm.state = state;
      return false;
    }
    const { rule, subject, sight } = alarm;
    const { measurement } = sight;
    const value = measurement && "value" in measurement ? measurement.value : null;
    const { priority } = rule;
    const common = { type: "alarm" as const, rule: rule.id, subject, priority, value };
    const stamp = { at: Math.round(now), clock: clockState(), occurrence: state.count };
    spool.atomically(() => {
      rememberAlarm({ ...alarm, state }, spool);
      for (const what of changes)
        event({ ...common, ...stamp, what, ...(by === undefined ? {} : { by }) });
    });
    alarm.state = state;
    log.warn({ rule: rule.id, subject, value, changes }, "local alarm");
    return true;
  }

  #tell(): void {
    for (const listener of this.#listeners) listener();
  }

  /** The wall clock. When it was set since the last look, running delays are moved along with it. */
  #now(): EpochMs {
    const { clock, clockState } = this.#deps;
    const stepMs = this.#steps.stepMs();
    const wrong = this.#wasUnsynced;
    this.#wasUnsynced = clockState() === "unsynced";
    if (stepMs !== 0)
      for (const alarm of this.#alarms)
        alarm.state = (wrong ? onSetClock : onSteppedClock)(alarm.state, stepMs);
    return clock.nowMs();
  }

  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      this.#deps.fatal(error);
    }
  }
}

/** Whether time alone can change it. */
function needsTick({ rule, state }: LocalAlarm): boolean {
  return rule.condition.kind === "stale" || state.phase.name !== "normal" || state.shelved !== null;
}
