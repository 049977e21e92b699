import type { EpochMs } from "../../contract/clock.ts";
import { good, type Measurement } from "../../contract/reading.ts";
import { type Derivation, type Scene, stateInfo, UNKNOWN } from "./derivation.ts";

export const COOLING_STATES: Record<number, string> = {
  0: "cools",
  1: "does not run",
  2: "runs without moving air",
  3: "moves air but no heat",
  4: "starts and stops too often",
};

/** A fan that turns slower than this moves no air. */
const NO_AIR_PERCENT = 5;
/** Return air less than this above supply air for so long: the compressor, the valve or the water fails. */
const LOW_DELTA_C = 2;
const LOW_DELTA_MS = 600_000;
/** More starts than this in an hour wear a compressor out. */
const MOST_STARTS = 6;
const STARTS_WINDOW_MS = 3_600_000;

/** What a cooling unit says of itself; undefined is not known, null is not measured at all. */
export interface CoolingSigns {
  running: number | undefined;
  fan: number | undefined | null;
  deltaC: number | undefined | null;
  /** What it says to cool with; a unit that idles need not show a difference. */
  output: number | undefined | null;
}

/** Judges one cooling unit over time. Bounded: it keeps the last few starts. */
export class CoolingWatch {
  #starts: EpochMs[] = [];
  #was: number | undefined;
  #lowSince: EpochMs | null = null;

  judge({ running, fan, deltaC, output }: CoolingSigns, now: EpochMs): Measurement {
    if (running === undefined) return UNKNOWN;
    if (running === 1 && this.#was === 0) this.#starts.push(now);
    this.#was = running;
    this.#starts = this.#starts.slice(-MOST_STARTS - 1).filter((at) => now - at < STARTS_WINDOW_MS);
    const low = running === 1 && typeof deltaC === "number" && deltaC < LOW_DELTA_C && output !== 0;
    this.#lowSince = low ? (this.#lowSince ?? now) : null;
    if (this.#starts.length > MOST_STARTS) return good(4);
    if (running !== 1) return good(1);
    if (typeof fan === "number" && fan <= NO_AIR_PERCENT) return good(2);
    if (this.#lowSince !== null && now - this.#lowSince >= LOW_DELTA_MS) return good(3);
    return fan === undefined || deltaC === undefined || output === undefined ? UNKNOWN : good(0);
  }
}

/** `<unit>.condition` of every cooling unit that says whether it runs. */
export function coolingConditions(scene: Scene): Derivation[] {
  return scene.site.rooms
    .flatMap((room) => room.cooling)
    .flatMap(({ id, label }): Derivation[] => {
      const points = scene.places.get(id);
      if (points?.get("running")?.quantity !== "flag") return [];
      const has = (role: string) => points.has(role);
      const air = has("supply") && has("return");
      const fan = points.get("fan")?.quantity === "fan";
      const used = ["running", ...(air ? ["supply", "return"] : []), ...(fan ? ["fan"] : [])];
      if (has("cooling")) used.push("cooling");
      const watch = new CoolingWatch();
      return [
        {
          info: stateInfo(`${id}.condition`, `${label} condition`, COOLING_STATES),
          inputs: used.map((role) => `${id}.${role}`),
          derive: (look, now) => {
            const at = (role: string) => look(`${id}.${role}`);
            const signs = {
              running: at("running"),
              fan: fan ? at("fan") : null,
              deltaC: air ? difference(at("return"), at("supply")) : null,
              output: has("cooling") ? at("cooling") : null,
            };
            return watch.judge(signs, now);
          },
        },
      ];
    });
}

const difference = (a: number | undefined, b: number | undefined) =>
  a === undefined || b === undefined ? undefined : a - b;
