import type { Random } from "./random.ts";
import type { Truth } from "./world.ts";

/** What is wrong with one sensor. Each may be set on its own. */
export interface SensorFault {
  unplugged: boolean;
  corrupt: boolean;
  frozenAt?: number | undefined;
  drift: number;
}
const SOUND: Readonly<SensorFault> = { unplugged: false, corrupt: false, drift: 0 };

/** Stands between the truth and every wire: what a sensor says may differ from what is so. */
export class Sensors {
  readonly #faults = new Map<string, SensorFault>();

  constructor(
    private readonly truth: Truth,
    private readonly random: Random,
  ) {}

  fault(point: string): Readonly<SensorFault> {
    return this.#faults.get(point) ?? SOUND;
  }

  set(point: string, change: Partial<SensorFault>): void {
    const fault = { ...this.fault(point), ...change };
    const sound =
      !fault.unplugged && !fault.corrupt && fault.drift === 0 && fault.frozenAt === undefined;
    if (sound) this.#faults.delete(point);
    else this.#faults.set(point, fault);
  }

  /** Holds a point at what it shows now. */
  freeze(point: string): void {
    this.set(point, { frozenAt: this.measure(point) });
  }

  /** The value at the sensor, with Gaussian `noise` (standard deviation). NaN when nothing is behind the point. */
  measure(point: string, noise = 0): number {
    const { frozenAt, drift } = this.fault(point);
    if (frozenAt !== undefined) return frozenAt;
    const value = this.truth.get(point)?.() ?? Number.NaN;
    return value + drift + (noise > 0 ? noise * this.random.normal() : 0);
  }

  /** Every sensor that does not tell the truth, in plain words. */
  list(): Record<string, string> {
    const words: Record<string, string> = {};
    for (const [point, fault] of this.#faults) {
      const parts = [
        fault.unplugged ? "unplugged" : "",
        fault.corrupt ? "corrupt" : "",
        fault.frozenAt !== undefined ? `frozen at ${fault.frozenAt}` : "",
        fault.drift !== 0 ? `drifts by ${fault.drift}` : "",
      ];
      words[point] = parts.filter((part) => part !== "").join(", ");
    }
    return words;
  }
}
