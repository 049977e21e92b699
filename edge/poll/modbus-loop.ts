import type { Clock } from "../../contract/clock.ts";
import { DeviceError, ModbusException, type ModbusLink } from "../bus/port.ts";
import type { Wire } from "../profiles/decode.ts";
import type { ReadRequest } from "../profiles/plan.ts";
import type { BusHealth, BusLoop, Sink } from "./loop.ts";
import { exchange, type Read } from "./modbus-exchange.ts";
import { checkIdentity, isSilent, type ModbusDeviceSpec, ModbusUnit } from "./modbus-unit.ts";
import { PortKeeper } from "./port-keeper.ts";
import type { LoopDeps } from "./read-loop.ts";
import { Schedule } from "./schedule.ts";

/** Silent units may use one part of the line's time in five, so each try is followed by four times its cost. */
const REST_FACTOR = 4;

/** Reads all units of one Modbus line or connection, one request at a time. */
export function modbusLoop(
  deps: LoopDeps<ModbusLink> & { devices: readonly ModbusDeviceSpec[] },
): BusLoop {
  const loop = new ModbusLoop(deps);
  return { bus: deps.bus, run: (signal) => loop.run(signal), health: () => loop.health() };
}

interface Turn {
  unit: ModbusUnit;
  class: string;
}

class ModbusLoop {
  readonly #clock: Clock;
  readonly #sink: Sink;
  readonly #keeper: PortKeeper<ModbusLink>;
  readonly #units: ModbusUnit[];
  readonly #health: Omit<BusHealth, "open"> = { ok: 0, failed: 0, lastError: null, lagMs: 0 };
  /** Until then no silent unit is tried. */
  #restUntilMs = 0;

  constructor(deps: LoopDeps<ModbusLink> & { devices: readonly ModbusDeviceSpec[] }) {
    this.#clock = deps.clock;
    this.#sink = deps.sink;
    this.#keeper = new PortKeeper<ModbusLink>(deps);
    this.#units = deps.devices.map((spec) => new ModbusUnit(spec, deps.clock, deps.log));
  }

  health(): BusHealth {
    return { ...this.#health, open: this.#keeper.isOpen };
  }

  async run(signal: AbortSignal): Promise<void> {
    const turns = this.#units.flatMap((unit) =>
      Object.entries(unit.spec.profile.classes)
        .filter(([name]) => unit.points(name).length > 0)
        .map(([name, everyMs]) => ({ item: { unit, class: name }, everyMs })),
    );
    const schedule = new Schedule<Turn>(this.#clock, turns);
    try {
      for (;;) {
        const slot = await schedule.next(signal);
        if (!slot) break;
        this.#health.lagMs = Math.round(slot.lagMs);
        await this.#serve(slot.item);
      }
    } finally {
      await this.#keeper.close();
    }
  }

  /** One poll class of one unit. Every point of it gets a sample, good or bad. */
  async #serve({ unit, class: className }: Turn): Promise<void> {
    const missing = new Set(unit.points(className));
    try {
      const link = await this.#keeper.port();
      await this.#ready(link, unit);
      // A refused request is replaced by its halves, which then stand in the same list.
      const waiting = unit.requests(className);
      for (let request = waiting.shift(); request; request = waiting.shift()) {
        if (!(await this.#read(link, unit, request)))
          waiting.unshift(...unit.requests(className).filter((r) => isPartOf(r, request)));
        else for (const point of unit.points(request)) missing.delete(point);
      }
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#sink(unit.failures([...missing], error.reason));
      if (error.reason === "bus" && this.#keeper.isOpen) await this.#keeper.drop(error.message);
    }
  }

  /** Reads one request into the sink; false when it was divided and its parts must be read instead. */
  async #read(link: ModbusLink, unit: ModbusUnit, request: ReadRequest): Promise<boolean> {
    try {
      const wire = await this.#exchange(link, unit, request);
      this.#sink(unit.samples(request, wire));
      return true;
    } catch (error) {
      // Only a refusal concerns this request alone.
      if (!(error instanceof ModbusException) || isSilent(error)) throw error;
      if (unit.divide(request, error)) return false;
      this.#sink(unit.failures(unit.points(request), error.reason));
      return true;
    }
  }

  /** Makes sure that the unit answers and is the right model. Throws `DeviceError` while it is not. */
  async #ready(link: ModbusLink, unit: ModbusUnit): Promise<void> {
    const { state } = unit;
    if (state.is === "up") return;
    if (state.is === "down") {
      const now = this.#clock.monoMs();
      const resting = this.#units.length > 1 && now < this.#restUntilMs;
      if (resting || now < state.retryAtMs) throw state.error;
      await this.#probe(link, unit);
    }
    const started = this.#clock.monoMs();
    for (const { field, matches } of unit.spec.profile.identify) {
      try {
        checkIdentity(field, matches, await this.#exchange(link, unit, field));
      } catch (error) {
        if (error instanceof ModbusException && !isSilent(error)) continue;
        if (error instanceof DeviceError && error.reason === "identity")
          this.#silence(unit, error, started);
        throw error;
      }
    }
    unit.up();
  }

  /** Asks for one register: any answer, even a refusal, shows that the unit lives. */
  async #probe(link: ModbusLink, unit: ModbusUnit): Promise<void> {
    const [field] = unit.spec.profile.fields;
    if (!field) throw new Error(`profile ${unit.spec.profile.id} has no fields`);
    try {
      const { fc, address } = field;
      await this.#exchange(link, unit, { fc, address, count: 1 }, 0);
    } catch (error) {
      if (!(error instanceof ModbusException) || isSilent(error)) throw error;
    }
  }

  async #exchange(
    link: ModbusLink,
    unit: ModbusUnit,
    read: Read,
    retries = unit.spec.profile.limits.retries,
  ): Promise<Wire> {
    const started = this.#clock.monoMs();
    const limits = { ...unit.spec.profile.limits, retries };
    try {
      const wire = await exchange(link, { unit: unit.spec.unit, limits, clock: this.#clock }, read);
      this.#keeper.worked();
      this.#health.ok += 1;
      this.#health.lastError = null;
      return wire;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      this.#health.failed += 1;
      this.#health.lastError = error.message;
      if (error.reason !== "bus") {
        this.#keeper.worked();
        if (isSilent(error)) this.#silence(unit, error, started);
      }
      throw error;
    }
  }

  #silence(unit: ModbusUnit, error: DeviceError, startedMs: number): void {
    const now = this.#clock.monoMs();
    this.#restUntilMs = Math.max(this.#restUntilMs, now) + REST_FACTOR * (now - startedMs);
    unit.down(error);
  }
}

function isPartOf(part: ReadRequest, whole: ReadRequest): boolean {
  return part.fields.every((field) => whole.fields.includes(field));
}
