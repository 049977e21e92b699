import type { Measurement } from "../../contract/reading.ts";
import type { UnitHealth } from "./modbus-statistics.ts";

/** One point's measurement, not yet stamped with a time. */
export interface Sample {
  point: string;
  measurement: Measurement;
}

/** Takes samples as they are measured. Never throws and never blocks. */
export type Sink = (samples: Sample[]) => void;

export interface BusHealth {
  /** Device reads (Modbus: requests) that gave values, since start. */
  ok: number;
  /** Device reads that failed, since start. */
  failed: number;
  /** Why the newest failure happened; stays until the bus works again. */
  lastError: string | null;
  /** How late the newest read began after its slot. */
  lagMs: number;
  open: boolean;
  /** Modbus: how each unit answers. */
  units?: UnitHealth[];
}

/** Reads every device of one bus at a fixed rate; loops of different buses never wait for one another. */
export interface BusLoop {
  readonly bus: string;
  /** Ends when `signal` aborts. Throws only when the program itself is wrong. */
  run(signal: AbortSignal): Promise<void>;
  health(): BusHealth;
}
