import { setMaxListeners } from "node:events";
import { bad } from "../../contract/reading.ts";
import { DeviceError, type Port } from "../bus/port.ts";
import type { BusHealth, BusLoop, Sample } from "./loop.ts";
import { PortKeeper } from "./port-keeper.ts";
import type { LoopDeps } from "./read-loop.ts";
import { Schedule } from "./schedule.ts";
import { Silence } from "./silence.ts";

/** So many bus faults one after another mean the bus itself, not a device. */
const BUS_FAULTS = 2;

/** A device that is read as a whole, and how. */
export interface LaneItem<P> {
  id: string;
  everyMs: number;
  points: string[];
  /** Throws `DeviceError` when there is no sound value, and when `signal` ends its waiting. */
  read(port: P, signal: AbortSignal): Promise<Sample[]>;
}

/**
 * The loop of a bus whose devices are read whole. The devices are dealt out to `lanes`, which take turns
 * on the bus: while one device converts, the others are spoken to.
 */
export function laneLoop<P extends Port>(
  deps: LoopDeps<P>,
  items: readonly LaneItem<P>[],
  lanes: number,
): BusLoop {
  const { bus, clock, sink, log } = deps;
  const shared = new SharedPort<P>(deps);
  const silences = new Map(items.map(({ id }) => [id, new Silence(id, clock, log)]));
  const health: Omit<BusHealth, "open"> = { ok: 0, failed: 0, lastError: null, lagMs: 0 };

  const serve = async (item: LaneItem<P>, signal: AbortSignal): Promise<void> => {
    let port: P | undefined;
    try {
      port = await shared.port();
      sink(await item.read(port, signal));
      shared.worked(port);
      silences.get(item.id)?.worked();
      health.ok += 1;
      health.lastError = null;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      // A conversation that we broke off says nothing about the device.
      if (signal.aborted) return;
      sink(item.points.map((point) => ({ point, measurement: bad(error.reason) })));
      health.failed += 1;
      health.lastError = error.message;
      // A closed bus is one story, told by its keeper, not one for each device on it.
      if (!port) return;
      silences.get(item.id)?.failed(error);
      await shared.failed(port, error);
    }
  };

  const runLane = async (lane: readonly LaneItem<P>[], signal: AbortSignal): Promise<void> => {
    const turns = lane.map((item) => ({ item, everyMs: item.everyMs }));
    const schedule = new Schedule(clock, turns);
    for (;;) {
      const slot = await schedule.next(signal);
      if (!slot) return;
      health.lagMs = Math.round(slot.lagMs);
      await serve(slot.item, signal);
    }
  };

  return {
    bus,
    health: () => ({ ...health, open: shared.isOpen }),
    run: async (signal) => {
      const end = new AbortController();
      const stop = AbortSignal.any([signal, end.signal]);
      // Every lane and every waiting device listens; that is no leak.
      setMaxListeners(0, stop);
      const hands = Array.from({ length: lanes }, (_, lane) =>
        items.filter((_item, i) => i % lanes === lane),
      );
      try {
        await Promise.all(hands.map((hand) => runLane(hand, stop)));
      } finally {
        end.abort();
        await shared.close();
      }
    },
  };
}

/** One port for all lanes: opened once, and given up once however many of them see it fail. */
class SharedPort<P extends Port> {
  readonly #keeper: PortKeeper<P>;
  #opening: Promise<P> | undefined;
  #current: P | undefined;
  #busFaults = 0;

  constructor(deps: LoopDeps<P>) {
    this.#keeper = new PortKeeper<P>(deps);
  }

  get isOpen(): boolean {
    return this.#keeper.isOpen;
  }

  async port(): Promise<P> {
    this.#opening ??= this.#keeper.port().finally(() => {
      this.#opening = undefined;
    });
    this.#current = await this.#opening;
    return this.#current;
  }

  /** A result from a port that was given up meanwhile says nothing about the present one. */
  worked(port: P): void {
    if (port !== this.#current) return;
    this.#busFaults = 0;
    this.#keeper.worked();
  }

  async failed(port: P, error: DeviceError): Promise<void> {
    if (port !== this.#current) return;
    if (error.reason !== "bus") return this.worked(port);
    this.#busFaults += 1;
    if (this.#busFaults < BUS_FAULTS) return;
    this.#busFaults = 0;
    this.#current = undefined;
    await this.#keeper.drop(error.message);
  }

  close(): Promise<void> {
    this.#current = undefined;
    return this.#keeper.close();
  }
}
