import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { bad, good, type Measurement } from "../../contract/reading.ts";
import { withDeadline } from "../bus/deadline.ts";
import { DeviceError, type GpioPort } from "../bus/port.ts";
import type { BusHealth, BusLoop, Sink } from "../poll/loop.ts";
import { PortKeeper } from "../poll/port-keeper.ts";
import { Waker } from "../waker.ts";
import {
  autoOffAtMs,
  FAULT_MISMATCHES,
  isFaulty,
  isOn,
  NEW_OUTPUT,
  type OutputInput,
  type OutputRule,
  type OutputState,
  stepOutput,
} from "./output.ts";

/** Every output is written, read back and published again this often. */
export const OUTPUT_PERIOD_MS = 10_000;
const FIRST_RETRY_MS = 1_000;
/** The stop waits so long for the safe state; the program must end even when the chip hangs. */
const STOP_MS = 3_000;

/** One relay. It publishes `<id>.on` (1 = it reads back as on) and `<id>.fault` (1 = the line does not follow). */
export interface OutputSpec extends OutputRule {
  id: string;
  line: number;
  /** The level at which the relay is on. */
  active: "high" | "low";
}

export const outputPoints = (id: string) => ({ on: `${id}.on`, fault: `${id}.fault` });

export interface OutputLoopDeps {
  bus: string;
  open: () => Promise<GpioPort>;
  outputs: readonly OutputSpec[];
  sink: Sink;
  clock: Clock;
  log: Logger;
}

/** Drives the outputs of one GPIO chip. Commands count at once, and still stand when the chip comes back. */
export interface OutputLoop extends BusLoop {
  /** Commands begin: outputs leave their safe state even when nothing wants them on. */
  govern(): void;
  /** Wants an output on until `release`, or until its auto-off. Throws for an id that is not here. */
  demand(output: string, cause: string): void;
  release(output: string, cause: string): void;
}

export function outputLoop(deps: OutputLoopDeps): OutputLoop {
  return new Outputs(deps);
}

interface Driven {
  spec: OutputSpec;
  state: OutputState;
  /** What was last told of it, so that only changes are logged; `error` while it cannot be written. */
  told: { on: boolean; faulty: boolean; error?: { atMs: number } };
}

class Outputs implements OutputLoop {
  readonly bus: string;
  readonly #deps: OutputLoopDeps;
  readonly #keeper: PortKeeper<GpioPort>;
  readonly #outputs: Map<string, Driven>;
  readonly #waker = new Waker();
  readonly #health: Omit<BusHealth, "open"> = { ok: 0, failed: 0, lastError: null, lagMs: 0 };
  /** The port in use, and why it died if it did by itself: its outputs may be as nobody ordered. */
  #port: GpioPort | undefined;
  #gone: string | undefined;

  constructor(deps: OutputLoopDeps) {
    this.bus = deps.bus;
    this.#deps = deps;
    this.#keeper = new PortKeeper<GpioPort>(deps);
    this.#outputs = new Map(
      deps.outputs.map((spec) => [
        spec.id,
        { spec, state: NEW_OUTPUT, told: { on: spec.safe === "on", faulty: false } },
      ]),
    );
  }

  health(): BusHealth {
    return { ...this.#health, open: this.#keeper.isOpen };
  }

  govern(): void {
    for (const output of this.#outputs.values()) this.#step(output, { is: "govern" });
    this.#waker.wake();
  }

  demand(id: string, cause: string): void {
    this.#command(id, { is: "demand", cause });
  }

  release(id: string, cause: string): void {
    this.#command(id, { is: "release", cause });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let assertAtMs = clock.monoMs();
    while (!signal.aborted) {
      const nowMs = clock.monoMs();
      if (this.#gone !== undefined) {
        await this.#keeper.drop(this.#gone);
        this.#gone = undefined;
        assertAtMs = nowMs;
      }
      const asserting = nowMs >= assertAtMs;
      if (asserting) assertAtMs = nowMs + OUTPUT_PERIOD_MS;
      const worked = await this.#driveAll(asserting);
      // A chip that failed is tried again soon: an output that should be safe may be on.
      if (!worked) assertAtMs = Math.min(assertAtMs, clock.monoMs() + FIRST_RETRY_MS);
      const dues = [...this.#outputs.values()].map(({ spec, state }) =>
        autoOffAtMs(state, clock.monoMs(), spec),
      );
      const dueMs = Math.min(assertAtMs, ...dues.filter((due) => due !== undefined));
      await this.#waker.wait(clock, Math.max(0, dueMs - clock.monoMs()), signal);
    }
    await this.#leaveSafe();
  }

  #command(id: string, input: OutputInput): void {
    const output = this.#outputs.get(id);
    if (!output) throw new Error(`there is no output ${id} on bus ${this.bus}`);
    this.#step(output, input);
    this.#waker.wake();
  }

  #step(output: Driven, input: OutputInput): void {
    output.state = stepOutput(output.state, input, this.#deps.clock.monoMs());
  }

  /** Writes every output whose state changed, or all of them; false when one could not be written. */
  async #driveAll(all: boolean): Promise<boolean> {
    const { clock } = this.#deps;
    const due = [...this.#outputs.values()].filter(
      ({ spec, state, told }) => all || isOn(state, clock.monoMs(), spec) !== told.on,
    );
    const errors: DeviceError[] = [];
    for (const output of due) {
      try {
        await this.#drive(await this.#openPort(), output);
      } catch (error) {
        if (!(error instanceof DeviceError)) throw error;
        errors.push(error);
        this.#lost(output, error);
      }
    }
    // One line may be taken by somebody else; when none can be written it is the chip.
    const [error] = errors;
    if (error && errors.length === due.length && this.#keeper.isOpen)
      await this.#keeper.drop(error.message);
    return errors.length === 0;
  }

  async #openPort(): Promise<GpioPort> {
    const port = await this.#keeper.port();
    if (port === this.#port) return port;
    this.#port = port;
    port.closed.then(() => {
      if (this.#port !== port || !this.#keeper.isOpen) return;
      this.#gone = port.lost?.()?.message ?? "the chip is gone";
      this.#waker.wake();
    });
    return port;
  }

  /** Writes one output and reads it back, again when it did not follow. */
  async #drive(port: GpioPort, output: Driven): Promise<void> {
    const { spec, state, told } = output;
    const on = isOn(state, this.#deps.clock.monoMs(), spec);
    const level = (on === (spec.active === "high") ? 1 : 0) as 0 | 1;
    let matches = false;
    for (let tries = 0; tries < FAULT_MISMATCHES && !matches; tries += 1) {
      await port.write(spec.line, level);
      matches = (await port.read(spec.line)) === level;
      this.#step(output, { is: "read-back", matches });
    }
    const { log } = this.#deps;
    const faulty = isFaulty(output.state);
    if (on !== told.on) log.info({ output: spec.id, on }, "output switched");
    if (faulty && !told.faulty) log.error({ output: spec.id, on }, "output does not follow");
    if (!faulty && told.faulty) log.info({ output: spec.id, on }, "output follows again");
    if (told.error !== undefined) log.info({ output: spec.id, on }, "output back");
    output.told = { on, faulty };
    this.#keeper.worked();
    this.#health.ok += 1;
    this.#health.lastError = null;
    this.#publish(output, good(matches === on ? 1 : 0), good(faulty ? 1 : 0));
  }

  /** Nobody knows how the output stands. Told once a period, however often it is tried. */
  #lost(output: Driven, error: DeviceError): void {
    const { clock, log } = this.#deps;
    this.#health.failed += 1;
    this.#health.lastError = error.message;
    const { told, spec } = output;
    if (told.error === undefined && this.#keeper.isOpen)
      log.error({ output: spec.id, error: error.message }, "output cannot be written");
    if (told.error !== undefined && clock.monoMs() - told.error.atMs < OUTPUT_PERIOD_MS) return;
    output.told = { ...told, error: { atMs: clock.monoMs() } };
    this.#publish(output, bad(error.reason), bad(error.reason));
  }

  #publish({ spec }: Driven, on: Measurement, fault: Measurement): void {
    const points = outputPoints(spec.id);
    this.#deps.sink([
      { point: points.on, measurement: on },
      { point: points.fault, measurement: fault },
    ]);
  }

  /** The last thing done: every output as it must be while nobody is here. */
  async #leaveSafe(): Promise<void> {
    const { clock, log } = this.#deps;
    for (const output of this.#outputs.values()) this.#step(output, { is: "stop" });
    const late = () => new DeviceError("bus", `the chip did not take it within ${STOP_MS} ms`);
    try {
      const safe = await withDeadline(this.#driveAll(true), STOP_MS, clock, late);
      if (!safe) log.error("not every output could be left in its safe state");
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      log.error({ error: error.message }, "not every output could be left in its safe state");
    }
    await this.#keeper.close();
  }
}
