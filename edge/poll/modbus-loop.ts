import type { Clock } from "../../contract/clock.ts";
import type { BadReason } from "../../contract/reading.ts";
import { DeviceError, ModbusException, type ModbusLink } from "../bus/port.ts";
import type { Wire } from "../profiles/decode.ts";
import { type Field, ONCE } from "../profiles/schema.ts";
import type { BusHealth, BusLoop, Sink } from "./loop.ts";
import { type Block, isDoubtful } from "./modbus-blocks.ts";
import { afterFailure, isSilent, PacedLink, type Read } from "./modbus-exchange.ts";
import { ModbusQueue, type Turn } from "./modbus-queue.ts";
import { SilentShare } from "./modbus-share.ts";
import {
  checkIdentity,
  type ModbusDeviceSpec,
  type ModbusUnit,
  unitsOfDevice,
} from "./modbus-unit.ts";
import { PortKeeper } from "./port-keeper.ts";
import type { LoopDeps } from "./read-loop.ts";

/** Exceptions 2 and 3: no such register, or too many at once. */
const DIVISIBLE_CODES = [2, 3];
const NO_SUCH_REGISTER = 2;

/** Reads all units of one Modbus line or connection, one request at a time. */
export function modbusLoop(
  deps: LoopDeps<ModbusLink> & { devices: readonly ModbusDeviceSpec[] },
): BusLoop {
  const loop = new ModbusLoop(deps);
  return { bus: deps.bus, run: (signal) => loop.run(signal), health: () => loop.health() };
}

class ModbusLoop {
  readonly #clock: Clock;
  readonly #sink: Sink;
  readonly #keeper: PortKeeper<ModbusLink>;
  readonly #units: ModbusUnit[];
  readonly #health = { ok: 0, failed: 0, lastError: null as string | null, lagMs: 0 };
  #queue: ModbusQueue;
  /** The open link; undefined when it must be opened. */
  #paced: PacedLink | undefined;
  readonly #rest: SilentShare;

  constructor(deps: LoopDeps<ModbusLink> & { devices: readonly ModbusDeviceSpec[] }) {
    const { clock, log } = deps;
    this.#clock = clock;
    this.#rest = new SilentShare(clock);
    this.#sink = deps.sink;
    this.#keeper = new PortKeeper<ModbusLink>(deps);
    this.#units = deps.devices.flatMap((spec) => unitsOfDevice(spec, clock, log));
    this.#queue = this.#newQueue();
  }

  health(): BusHealth {
    return {
      ...this.#health,
      open: this.#keeper.isOpen,
      units: this.#units.map((unit) => unit.health()),
    };
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#queue = this.#newQueue();
    try {
      for (;;) {
        const turn = await this.#queue.next(signal);
        if (!turn) break;
        await this.#serve(turn);
      }
    } finally {
      this.#paced = undefined;
      await this.#keeper.close();
    }
  }

  #newQueue(): ModbusQueue {
    return new ModbusQueue({
      clock: this.#clock,
      units: this.#units,
      open: (turn) => {
        const { blocks } = turn.unit;
        const wanted = blocks.wanted(turn.class);
        turn.waiting =
          turn.class === ONCE
            ? wanted.filter(({ request }) => !request.fields.every((f) => turn.unit.knows(f)))
            : wanted;
        for (const { request, hole } of blocks.holes(turn.class))
          this.#sink(turn.unit.failures(request, hole?.reason ?? "unsupported"));
      },
    });
  }

  /** The first waiting request of a turn, tried once; whatever happens, its points get their samples. */
  async #serve(turn: Turn): Promise<void> {
    this.#health.lagMs = Math.max(0, Math.round(this.#clock.monoMs() - turn.slotMs));
    try {
      const paced = this.#paced ?? (await this.#open());
      const ready = turn.unit.state.is === "up" || (await this.#ready(paced, turn));
      if (ready) await this.#read(paced, turn);
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#giveUp(turn, error);
      if (error.reason !== "bus" || !this.#keeper.isOpen) return;
      this.#paced = undefined;
      await this.#keeper.drop(error.message);
    }
  }

  async #open(): Promise<PacedLink> {
    this.#paced = new PacedLink(await this.#keeper.port(), this.#clock);
    return this.#paced;
  }

  async #read(paced: PacedLink, turn: Turn): Promise<void> {
    const { unit } = turn;
    const [block] = turn.waiting;
    if (!block) return;
    const suspect = isDoubtful(block);
    if (suspect && this.#rest.isSpent()) {
      const reason = block.hole?.reason ?? block.trouble ?? "no-answer";
      this.#sink(unit.failures(block.request, reason));
      this.#queue.finish(turn);
      return;
    }
    try {
      const wire = await this.#ask(paced, unit, block.request);
      if (turn.tries.lost > 0) await this.#settle(paced, unit);
      await this.#publish(paced, turn, wire);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
      const { retries } = unit.spec.profile.limits;
      const sparing = suspect || unit.statistics.answered === 0;
      const next = afterFailure(error, turn.tries, sparing ? 0 : retries);
      if (next !== "give up") {
        turn.tries = next.tries;
        turn.notBeforeMs = this.#clock.monoMs() + next.pauseMs;
      } else if (isSilent(error)) await this.#unanswered(paced, turn, error);
      else this.#refused(turn, block, error);
    }
  }

  /** Hands on what a block holds, without the zeros of registers that may not exist. */
  async #publish(paced: PacedLink, turn: Turn, wire: Wire): Promise<void> {
    const { unit } = turn;
    const block = turn.waiting[0] as Block;
    const { request } = block;
    unit.blocks.answered(block);
    const doubts = new Map<Field, BadReason>();
    for (const field of unit.blocks.doubtful(block, wire)) {
      const doubt = await this.#doubt(paced, unit, { block, field });
      if (doubt) doubts.set(field, doubt);
    }
    const sound =
      doubts.size === 0
        ? request
        : { ...request, fields: request.fields.filter((field) => !doubts.has(field)) };
    unit.learn(sound, wire);
    const samples = unit.samples(sound, wire);
    for (const [field, reason] of doubts)
      samples.push(...unit.failures({ ...request, fields: [field] }, reason));
    this.#sink(samples);
    this.#queue.finish(turn);
  }

  /** Why a field that reads zero in a block cannot be believed; undefined when it is there, asked alone. */
  async #doubt(
    paced: PacedLink,
    unit: ModbusUnit,
    { block, field }: { block: Block; field: Field },
  ): Promise<BadReason | undefined> {
    try {
      await this.#ask(paced, unit, field);
      unit.blocks.prove(field);
      return undefined;
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
      if (!(error instanceof ModbusException) || error.code !== NO_SUCH_REGISTER)
        return "not-ready";
      unit.blocks.remove(block, field, "unsupported");
      return "unsupported";
    }
  }

  /** The unit lives and will not give this block. */
  #refused(turn: Turn, block: Block, error: DeviceError): void {
    const { unit } = turn;
    const code = error instanceof ModbusException ? error.code : 0;
    const parts = DIVISIBLE_CODES.includes(code) ? unit.blocks.divide(block) : undefined;
    if (parts) {
      this.#queue.divide(turn, parts);
      return;
    }
    if (code === NO_SUCH_REGISTER) unit.blocks.refused(block, error.reason);
    this.#sink(unit.failures(block.request, error.reason));
    this.#queue.finish(turn);
  }

  /** Some devices meet an undefined register with silence, so another question tells whether the unit lives. */
  async #unanswered(paced: PacedLink, turn: Turn, error: DeviceError): Promise<void> {
    const { unit } = turn;
    const block = turn.waiting[0] as Block;
    if (unit.statistics.answered === 0 || !(await this.#lives(paced, unit, block))) {
      this.#silence(unit, error);
      return;
    }
    unit.blocks.silenced(block, error.reason);
    const lacking = block.silences > 1 && unit.blocks.mayLack(block);
    const parts = lacking ? unit.blocks.divide(block) : undefined;
    if (parts) {
      this.#queue.divide(turn, parts);
      return;
    }
    const hole = lacking && error.reason === "no-answer";
    if (hole) unit.blocks.silent(block);
    this.#sink(unit.failures(block.request, hole ? "unsupported" : error.reason));
    this.#queue.finish(turn);
  }

  /** Makes sure that the unit answers and is the right model. Throws `DeviceError` while it is not. */
  async #ready(paced: PacedLink, turn: Turn): Promise<boolean> {
    const { unit } = turn;
    const { state } = unit;
    if (state.is === "down") {
      const resting = this.#units.length > 1 && this.#rest.isSpent();
      if (resting || this.#clock.monoMs() < state.retryAtMs) throw state.error;
      if (!(await this.#lives(paced, unit))) {
        this.#silence(unit, state.error);
        return false;
      }
    }
    for (const { field, matches } of unit.spec.profile.identify) {
      try {
        const wire = await this.#ask(paced, unit, field);
        unit.learn({ ...field, fields: [field] }, wire);
        checkIdentity(field, matches, wire);
      } catch (error) {
        if (error instanceof ModbusException && !isSilent(error)) continue;
        if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
        this.#silence(unit, error);
        return false;
      }
    }
    const back = state.is === "down";
    unit.up();
    this.#queue.appeared(unit);
    if (back) for (const other of this.#units) other.retrySoon();
    // Its units and scales come before the values that need them.
    return !unit.needsOnceFirst;
  }

  /** Asks for one small value: any answer, even a refusal, shows that the unit lives. */
  async #lives(paced: PacedLink, unit: ModbusUnit, block?: Block): Promise<boolean> {
    const field = unit.probe(block);
    try {
      await this.#ask(paced, unit, field);
    } catch (error) {
      if (!(error instanceof DeviceError) || error.reason === "bus") throw error;
      unit.probed(field, !isSilent(error));
      return !isSilent(error);
    }
    unit.probed(field, true);
    return true;
  }

  async #ask(paced: PacedLink, unit: ModbusUnit, read: Read): Promise<Wire> {
    const startedMs = this.#clock.monoMs();
    try {
      const { wire, tookMs } = await paced.ask(unit.spec.unit, unit.spec.profile.limits, read);
      this.#keeper.worked();
      unit.statistics.good(tookMs, this.#clock.nowMs());
      this.#health.ok += 1;
      this.#health.lastError = null;
      return wire;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      unit.statistics.failed(error);
      this.#health.failed += 1;
      this.#health.lastError = error.message;
      if (error.reason !== "bus") this.#keeper.worked();
      if (isSilent(error)) this.#rest.charge(startedMs);
      throw error;
    }
  }

  async #settle(paced: PacedLink, unit: ModbusUnit): Promise<void> {
    const startedMs = this.#clock.monoMs();
    await paced.settle(unit.spec.profile.limits);
    this.#rest.charge(startedMs);
  }

  /** The unit is left alone for a while; everything that waits for it is bad. */
  #silence(unit: ModbusUnit, error: DeviceError): void {
    unit.down(error);
    for (const turn of this.#queue.waitingOf(unit)) this.#giveUp(turn, error);
  }

  #giveUp(turn: Turn, { reason }: DeviceError): void {
    const { unit } = turn;
    this.#sink(this.#queue.clear(turn).flatMap(({ request }) => unit.failures(request, reason)));
  }
}
