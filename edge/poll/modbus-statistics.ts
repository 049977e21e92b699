import type { EpochMs } from "../../contract/clock.ts";
import { type DeviceError, ModbusException } from "../bus/port.ts";

/** How one unit on a Modbus link has answered since the program started. */
export interface UnitHealth {
  device: string;
  unit: number;
  /** Answers now. */
  up: boolean;
  /** Requests that brought data. */
  ok: number;
  timeouts: number;
  /** Answers with a wrong check code or length. */
  damaged: number;
  /** Refusals by exception code. */
  exceptions: Record<string, number>;
  /** Response time of the newest `SAMPLES` answers, from request to answer; null before the first. */
  meanMs: number | null;
  p99Ms: number | null;
  /** Wall time of the newest answer with data. */
  lastGoodAt: EpochMs | null;
  /** Points that this unit does not have, as far as it showed. */
  missing: string[];
  /** Texts read once: model, serial number, dates. */
  texts: Record<string, string>;
}

/** So many response times are remembered; an older one gives way. */
const SAMPLES = 256;

export type UnitCounts = Pick<
  UnitHealth,
  "ok" | "timeouts" | "damaged" | "exceptions" | "meanMs" | "p99Ms" | "lastGoodAt"
>;

/** Counts what a unit answers. */
export class UnitStatistics {
  #ok = 0;
  #timeouts = 0;
  #damaged = 0;
  readonly #exceptions = new Map<number, number>();
  readonly #times: number[] = [];
  #lastGoodAt: EpochMs | null = null;

  /** How often the unit answered anything, data or a refusal of its own. */
  get answered(): number {
    let refusals = 0;
    for (const [code, count] of this.#exceptions) if (code !== 11) refusals += count;
    return this.#ok + refusals;
  }

  good(tookMs: number, at: EpochMs): void {
    this.#times[this.#ok % SAMPLES] = tookMs;
    this.#ok += 1;
    this.#lastGoodAt = at;
  }

  /** Errors of the whole bus say nothing about a unit and are not counted. */
  failed(error: DeviceError): void {
    if (error instanceof ModbusException)
      this.#exceptions.set(error.code, (this.#exceptions.get(error.code) ?? 0) + 1);
    else if (error.reason === "checksum") this.#damaged += 1;
    else if (error.reason === "no-answer") this.#timeouts += 1;
  }

  counts(): UnitCounts {
    const sorted = [...this.#times].sort((a, b) => a - b);
    const sum = sorted.reduce((total, ms) => total + ms, 0);
    const rank = Math.ceil(0.99 * sorted.length) - 1;
    return {
      ok: this.#ok,
      timeouts: this.#timeouts,
      damaged: this.#damaged,
      exceptions: Object.fromEntries(this.#exceptions),
      meanMs: sorted.length > 0 ? tenths(sum / sorted.length) : null,
      p99Ms: sorted.length > 0 ? tenths(sorted[rank] ?? 0) : null,
      lastGoodAt: this.#lastGoodAt,
    };
  }
}

const tenths = (ms: number) => Math.round(ms * 10) / 10;
