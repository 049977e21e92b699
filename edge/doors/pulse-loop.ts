import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { bad, good } from "../../contract/reading.ts";
import { DeviceError, type GpioPort } from "../bus/port.ts";
import type { BusHealth, BusLoop, Sample, Sink } from "../poll/loop.ts";
import { PortKeeper } from "../poll/port-keeper.ts";
import { Waker } from "../waker.ts";
import {
  lookPulse,
  NEW_PULSES,
  type PulseMemory,
  type PulseState,
  pulseKwh,
  pulsePowerW,
  pulseSettlesAtMs,
  readPulseMemory,
  stepPulse,
  writePulseMemory,
} from "./pulse.ts";

/** Every meter is published this often. */
export const PULSE_PERIOD_MS = 10_000;
/** IEC 62053-31: a pulse and a pause last at least 30 ms; contacts bounce for less than this. */
export const PULSE_DEBOUNCE_MS = 12;
/** A power cut loses at most the pulses of this time. */
const SAVE_MS = 60_000;
const RETRY_MS = 1_000;
/** Edges waiting to be looked at; above it the oldest go and their pulses are not counted. */
const MAX_EDGES = 10_000;

/** One S0 meter. */
export interface PulseSpec {
  line: number;
  /** Publishes energy in kWh; the count is remembered under this name. */
  point: string;
  /** Publishes power in W when set. */
  powerPoint?: string;
  perKwh: number;
  /** `no` (default of S0): the contact closes, level 0, for a pulse. */
  contact: "nc" | "no";
  debounceMs: number;
  /** What the meter's own display showed when it was wired. */
  startKwh: number;
}

/** Facts that survive a restart: the spool's. */
export interface Memory {
  recall(name: string): string | undefined;
  /** Durable on return. Throws when the disk refuses. */
  remember(name: string, value: string): void;
}

export interface PulseLoopDeps {
  bus: string;
  open: () => Promise<GpioPort>;
  meters: readonly PulseSpec[];
  memory: Memory;
  sink: Sink;
  clock: Clock;
  log: Logger;
}

/** Counts the pulses of every meter on one GPIO chip. While the chip is lost nothing is counted, and all is bad. */
export function pulseLoop(deps: PulseLoopDeps): BusLoop {
  return new PulseLoop(deps);
}

interface Meter {
  spec: PulseSpec;
  state: PulseState;
  memory: PulseMemory;
  saved: string | undefined;
  startedMs: number;
}

class PulseLoop implements BusLoop {
  readonly bus: string;
  readonly #deps: PulseLoopDeps;
  readonly #keeper: PortKeeper<GpioPort>;
  readonly #meters: Meter[];
  readonly #waker = new Waker();
  readonly #health: Omit<BusHealth, "open"> = { ok: 0, failed: 0, lastError: null, lagMs: 0 };
  #edges: { meter: Meter; level: 0 | 1; atMs: number }[] = [];
  /** The port now watched; calls from an older one no longer count. */
  #watched: { gone: boolean } | undefined;

  constructor(deps: PulseLoopDeps) {
    this.bus = deps.bus;
    this.#deps = deps;
    this.#keeper = new PortKeeper<GpioPort>(deps);
    this.#meters = deps.meters.map((spec) => {
      const saved = deps.memory.recall(factOf(spec));
      const memory = readPulseMemory(saved, spec);
      return { spec, state: { ...NEW_PULSES, count: memory.count }, memory, saved, startedMs: 0 };
    });
  }

  health(): BusHealth {
    return { ...this.#health, open: this.#watched !== undefined };
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let publishAtMs = clock.monoMs() + PULSE_PERIOD_MS;
    let saveAtMs = clock.monoMs() + SAVE_MS;
    try {
      while (!signal.aborted) {
        if (this.#watched?.gone) await this.#lost("the GPIO chip is gone");
        if (!this.#watched) await this.#watchAll();
        this.#look();
        const nowMs = clock.monoMs();
        if (nowMs >= publishAtMs) {
          this.#publish();
          publishAtMs = nowMs + PULSE_PERIOD_MS;
        }
        if (nowMs >= saveAtMs) {
          this.#save();
          saveAtMs = nowMs + SAVE_MS;
        }
        const retryAtMs = this.#watched ? Number.POSITIVE_INFINITY : nowMs + RETRY_MS;
        const dueMs = Math.min(publishAtMs, saveAtMs, retryAtMs, this.#settlesAtMs());
        await this.#waker.wait(clock, Math.max(0, dueMs - clock.monoMs()), signal);
      }
    } finally {
      this.#look();
      this.#save();
      await this.#keeper.close();
    }
  }

  async #watchAll(): Promise<void> {
    const { clock } = this.#deps;
    const watched = { gone: false };
    this.#edges = [];
    this.#watched = watched;
    try {
      const port = await this.#keeper.port();
      for (const meter of this.#meters) {
        // Nothing is known of the time without a port: intervals begin anew, the count goes on.
        meter.state = { ...NEW_PULSES, count: meter.state.count };
        meter.startedMs = clock.monoMs();
        await port.watch(meter.spec.line, (level: 0 | 1, ageMs = 0) => {
          if (this.#watched === watched) this.#saw(meter, level, clock.monoMs() - ageMs);
        });
      }
      port.closed.then(() => {
        watched.gone = true;
        this.#waker.wake();
      });
      this.#keeper.worked();
      this.#health.lastError = null;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      await this.#lost(error.message);
    }
  }

  async #lost(why: string): Promise<void> {
    this.#watched = undefined;
    this.#health.failed += 1;
    this.#health.lastError = why;
    if (this.#keeper.isOpen) await this.#keeper.drop(why);
  }

  #saw(meter: Meter, level: 0 | 1, atMs: number): void {
    this.#edges.push({ meter, level, atMs });
    if (this.#edges.length > MAX_EDGES) this.#edges.shift();
    this.#waker.wake();
  }

  #look(): void {
    const edges = this.#edges;
    this.#edges = [];
    for (const { meter, level, atMs } of edges) {
      const pulse = (level === 0) === (meter.spec.contact === "no") ? 1 : 0;
      meter.state = stepPulse(meter.state, pulse, atMs, meter.spec.debounceMs);
    }
    const nowMs = this.#deps.clock.monoMs();
    for (const meter of this.#meters)
      meter.state = stepPulse(meter.state, undefined, nowMs, meter.spec.debounceMs);
  }

  #settlesAtMs(): number {
    const dues = this.#meters.map(({ state, spec }) => pulseSettlesAtMs(state, spec.debounceMs));
    return Math.min(...dues.filter((due) => due !== undefined));
  }

  #publish(): void {
    const nowMs = this.#deps.clock.monoMs();
    if (this.#watched) this.#health.ok += 1;
    this.#deps.sink(this.#meters.flatMap((meter) => this.#samples(meter, nowMs)));
  }

  #samples(meter: Meter, nowMs: number): Sample[] {
    const { spec, memory, startedMs } = meter;
    const { point, powerPoint, perKwh } = spec;
    const lost = !this.#watched;
    meter.state = lookPulse(meter.state);
    const { state } = meter;
    const kwh = pulseKwh({ ...memory, count: state.count });
    const energy = { point, measurement: lost ? bad("bus") : good(kwh) };
    if (powerPoint === undefined) return [energy];
    const power = pulsePowerW(state, { perKwh, startedMs, nowMs });
    return [energy, { point: powerPoint, measurement: lost ? bad("bus") : power }];
  }

  #save(): void {
    for (const meter of this.#meters) {
      const text = writePulseMemory({ ...meter.memory, count: meter.state.count });
      if (text !== meter.saved) this.#deps.memory.remember(factOf(meter.spec), text);
      meter.saved = text;
    }
  }
}

const factOf = ({ point }: PulseSpec) => `pulse.${point}`;
