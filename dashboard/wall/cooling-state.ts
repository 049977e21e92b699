import type { Showing } from "../staleness.ts";
import { shortAge } from "../time.ts";

export type Running = "running" | "stopped" | "unknown";
export interface CoolingState {
  running: Running;
  /** How long nothing is known about it, when unknown. */
  age: string;
  lines: { name: string; value: string; isOld: boolean }[];
}

/** Shown as measured, or as old, or as not there; never as zero. */
export function tenth(shown: Showing): string {
  if (shown.kind !== "value") return "–";
  return shown.value.toFixed(1).replace("-", "−");
}

/** Return minus supply in kelvin; null unless both are measured now. */
export function deltaT(supply: Showing, back: Showing): number | null {
  if (supply.kind !== "value" || back.kind !== "value") return null;
  return back.value - supply.value;
}

function kilowattTenths(shown: Showing): string {
  return shown.kind === "value" ? (shown.value / 1_000).toFixed(1).replace("-", "−") : "–";
}

export function coolingState(points: {
  running: Showing;
  supply: Showing;
  back: Showing;
  /** Cooling output in W; undefined when the unit does not tell. */
  output?: Showing | undefined;
}): CoolingState {
  const { running, supply, back, output } = points;
  const difference = deltaT(supply, back);
  const old = (shown: Showing) => shown.kind === "stale" || shown.kind === "bad";
  const known = running.kind === "value" ? (running.value === 0 ? "stopped" : "running") : null;
  return {
    running: known ?? "unknown",
    age: "ageMs" in running && known === null ? shortAge(running.ageMs) : "",
    lines: [
      { name: "sup", value: tenth(supply), isOld: old(supply) },
      { name: "ret", value: tenth(back), isOld: old(back) },
      {
        name: "ΔT",
        value: difference === null ? "–" : difference.toFixed(1).replace("-", "−"),
        isOld: false,
      },
      ...(output ? [{ name: "kW", value: kilowattTenths(output), isOld: old(output) }] : []),
    ],
  };
}

/**
 * What the plant can still lose. One unit is meant to be spare; a unit nobody hears from is not counted
 * on.
 */
export function redundancy(states: readonly Running[]): string {
  const running = states.filter((state) => state === "running").length;
  const unknown = states.filter((state) => state === "unknown").length;
  if (states.length === 0) return "";
  if (unknown > 0 && running + unknown === states.length) return `${unknown} silent`;
  if (running === states.length) return states.length > 1 ? "N+1 kept" : "no spare unit";
  if (running === states.length - 1 && running > 0) return "no redundancy";
  const stopped = states.length - running - unknown;
  return stopped === states.length ? "all stopped" : `${stopped} stopped`;
}
