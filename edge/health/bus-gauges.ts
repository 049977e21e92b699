import { DeviceError } from "../bus/port.ts";
import type { BusHealth } from "../poll/loop.ts";
import type { UnitHealth } from "../poll/modbus-statistics.ts";
import type { Gauge } from "./gauges.ts";

/** Errors are counted over so many looks: five minutes, so that a slow bus has reads to count. */
const ERROR_LOOKS = 30;
/** Two points each for the first so many Modbus devices of a node; the numbers of the others are in `watch`. */
export const MOST_DEVICES = 32;

type Health = () => BusHealth | undefined;

/** Share of the reads of one bus that failed during the last looks. */
export function busErrors(bus: string, health: Health): Gauge {
  const share = new FailedShare();
  return {
    role: `bus-${bus}-errors`,
    quantity: "ratio",
    label: `Failed reads on ${bus} (1 = all)`,
    read: async () => {
      const { ok, failed, open, lastError } = present(bus, health);
      const errors = share.look(ok, failed);
      // A closed bus may not be read at all, which is no freedom from errors.
      return !open && lastError !== null ? 1 : errors();
    },
  };
}

/** Seconds by which the newest read of a bus began after its time: a full bus falls behind. */
export function busLateness(bus: string, health: Health): Gauge {
  return {
    role: `bus-${bus}-late`,
    quantity: "duration",
    label: `Reads on ${bus} late`,
    read: async () => {
      const { ok, failed, lagMs } = present(bus, health);
      if (ok + failed === 0) throw new DeviceError("not-ready", "nothing has been read yet");
      return lagMs / 1_000;
    },
  };
}

/** How one Modbus device answers: the share of its requests that failed, and how long 99 of 100 answers take at most. */
export function deviceGauges(device: string, bus: string, health: Health): Gauge[] {
  const share = new FailedShare();
  const units = () =>
    (present(bus, health).units ?? []).filter((unit: UnitHealth) => unit.device === device);
  return [
    {
      role: `device-${device}-errors`,
      quantity: "ratio",
      label: `Failed requests to ${device} (1 = all)`,
      read: async () => {
        const all = units();
        return share.look(sum(all.map(({ ok }) => ok)), sum(all.map(failures)))();
      },
    },
    {
      role: `device-${device}-response`,
      quantity: "duration",
      label: `Response time of ${device} (99 %)`,
      read: async () => {
        const times = units().flatMap(({ p99Ms }) => p99Ms ?? []);
        if (times.length === 0) throw new DeviceError("not-ready", "it has not answered yet");
        return Math.max(...times) / 1_000;
      },
    },
  ];
}

function failures({ timeouts, damaged, exceptions }: UnitHealth): number {
  return timeouts + damaged + sum(Object.values(exceptions));
}

const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0);

function present(bus: string, health: Health): BusHealth {
  const now = health();
  if (!now) throw new DeviceError("not-available", `bus ${bus} is not read`);
  return now;
}

/** Which part of what happened during the last looks was failures; the first look begins at zero. */
class FailedShare {
  readonly #looks = [{ ok: 0, failed: 0 }];

  /** Takes a look at counters that only grow; what it returns throws `DeviceError` when nothing happened. */
  look(ok: number, failed: number): () => number {
    const [first = { ok: 0, failed: 0 }] = this.#looks;
    this.#looks.push({ ok, failed });
    if (this.#looks.length > ERROR_LOOKS) this.#looks.shift();
    const wrong = failed - first.failed;
    const all = ok - first.ok + wrong;
    return () => {
      if (all > 0) return wrong / all;
      throw new DeviceError("not-ready", "nothing has been read for five minutes");
    };
  }
}
