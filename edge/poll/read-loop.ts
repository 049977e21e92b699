import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { bad } from "../../contract/reading.ts";
import { DeviceError, type Port } from "../bus/port.ts";
import type { BusHealth, BusLoop, Sample, Sink } from "./loop.ts";
import { PortKeeper } from "./port-keeper.ts";
import { Schedule } from "./schedule.ts";
import { Silence } from "./silence.ts";

/** So many bus faults one after another mean the bus itself, not a device. */
const BUS_FAULTS = 2;

export interface LoopDeps<P extends Port> {
  bus: string;
  open: () => Promise<P>;
  clock: Clock;
  sink: Sink;
  /** A child logger whose lines name the bus. */
  log: Logger;
}

/** A device that is read as a whole, and how. */
export interface ReadItem<P> {
  id: string;
  everyMs: number;
  points: string[];
  /** Throws `DeviceError` when there is no sound value. */
  read(port: P): Promise<Sample[]>;
}

/** The loop of a bus whose devices are read whole, one after another. */
export function readLoop<P extends Port>(
  deps: LoopDeps<P>,
  items: readonly ReadItem<P>[],
): BusLoop {
  const { bus, clock, sink, log } = deps;
  const keeper = new PortKeeper<P>(deps);
  const silences = new Map(items.map(({ id }) => [id, new Silence(id, clock, log)]));
  const health: Omit<BusHealth, "open"> = { ok: 0, failed: 0, lastError: null, lagMs: 0 };
  let busFaults = 0;

  const serve = async (item: ReadItem<P>): Promise<void> => {
    let port: P | undefined;
    try {
      port = await keeper.port();
      sink(await item.read(port));
      keeper.worked();
      silences.get(item.id)?.worked();
      busFaults = 0;
      health.ok += 1;
      health.lastError = null;
    } catch (error) {
      if (!(error instanceof DeviceError)) throw error;
      sink(item.points.map((point) => ({ point, measurement: bad(error.reason) })));
      health.failed += 1;
      health.lastError = error.message;
      // A closed bus is one story, told by its keeper, not one for each device on it.
      if (!port) return;
      if (error.reason !== "bus") keeper.worked();
      silences.get(item.id)?.failed(error);
      busFaults = error.reason === "bus" ? busFaults + 1 : 0;
      if (busFaults < BUS_FAULTS) return;
      busFaults = 0;
      await keeper.drop(error.message);
    }
  };

  return {
    bus,
    health: () => ({ ...health, open: keeper.isOpen }),
    run: async (signal) => {
      const schedule = new Schedule(
        clock,
        items.map((item) => ({ item, everyMs: item.everyMs })),
      );
      try {
        for (;;) {
          const slot = await schedule.next(signal);
          if (!slot) break;
          health.lagMs = Math.round(slot.lagMs);
          await serve(slot.item);
        }
      } finally {
        await keeper.close();
      }
    },
  };
}
