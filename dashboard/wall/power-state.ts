import type { PowerUnit } from "../../contract/site.ts";
import { current, type Showing } from "../staleness.ts";
import { shortAge } from "../time.ts";

/** `null`: nobody knows. */
export type Energised = boolean | null;
export interface PowerState {
  /** Whether it feeds what hangs below it. */
  energised: Energised;
  words: string;
  /** Stands in capitals and bold: on battery, bypass, lost. */
  isAbnormal: boolean;
  /** Nothing is known about it now. */
  isUnknown: boolean;
}

/** Below this a conductor counts as dead. */
export const DEAD_BELOW_V = 50;
/** A phase this far below the highest is named. */
const PHASE_SHARE = 0.9;

export type Look = (role: string) => Showing;

/** Kilowatts with as many digits as help: `9.4 kW`, `61.2 kW`, `215 kW`. */
export function kilowatts(powerW: number): string {
  return (powerW / 1_000).toFixed(Math.abs(powerW) < 100_000 ? 1 : 0).replace("-", "−");
}

/** Whole minutes left, never rounded up. */
export function runtimeMin(seconds: number): number {
  return Math.floor(seconds / 60);
}

function unknown(...shown: Showing[]): PowerState {
  const ages = shown.flatMap((each) => ("ageMs" in each ? [each.ageMs] : []));
  const age = ages.length > 0 ? ` ${shortAge(Math.max(...ages))}` : " yet";
  return { energised: null, words: `no reading${age}`, isAbnormal: false, isUnknown: true };
}

const PHASES = ["voltage-l1", "voltage-l2", "voltage-l3"] as const;

function voltageWords(look: Look): { words: string; lowestV: number; highestV: number } | null {
  const measured = PHASES.flatMap((role) => {
    const value = current(look(role));
    return value === null ? [] : [{ name: role.slice(-2).toUpperCase(), value }];
  });
  const first = measured[0];
  if (!first) return null;
  const low = measured.reduce((a, b) => (b.value < a.value ? b : a), first);
  const highestV = Math.max(...measured.map(({ value }) => value));
  const isUneven = measured.length > 1 && low.value < highestV * PHASE_SHARE;
  return {
    words: `${isUneven ? `${low.name} ` : ""}${Math.round(low.value)} V`,
    lowestV: low.value,
    highestV,
  };
}

function utilityState(look: Look): PowerState {
  const voltage = voltageWords(look);
  if (!voltage) return unknown(...PHASES.map(look));
  const isDead = voltage.highestV < DEAD_BELOW_V;
  const hz = current(look("frequency"));
  const rest = isDead ? "lost" : hz === null ? "" : `${hz.toFixed(1)} Hz`;
  return {
    energised: !isDead,
    words: rest ? `${voltage.words} · ${rest}` : voltage.words,
    isAbnormal: isDead,
    isUnknown: false,
  };
}

function generatorState(look: Look): PowerState {
  const voltage = voltageWords(look);
  const speed = current(look("speed"));
  const fuel = current(look("fuel"));
  if (!voltage && speed === null && fuel === null)
    return unknown(...PHASES.map(look), look("fuel"));
  const isLive = voltage ? voltage.highestV >= DEAD_BELOW_V : null;
  const word = isLive
    ? `runs · ${voltage?.words}`
    : speed !== null && speed > 0
      ? "starting"
      : isLive === null
        ? "no voltage reading"
        : "stopped";
  return {
    energised: isLive,
    words: fuel === null ? word : `${word} · fuel ${Math.floor(fuel)} %`,
    isAbnormal: false,
    isUnknown: false,
  };
}

function upsState(look: Look): PowerState {
  const onBattery = current(look("on-battery"));
  const output = current(look("output-voltage"));
  if (onBattery === null && output === null)
    return unknown(look("on-battery"), look("output-voltage"));
  const runtime = current(look("runtime"));
  const load = current(look("load"));
  const mode =
    output !== null && output < DEAD_BELOW_V
      ? "NO OUTPUT"
      : onBattery === 1
        ? "BATTERY"
        : current(look("bypass")) === 1
          ? "BYPASS"
          : onBattery === null
            ? "mode unknown"
            : "online";
  const parts = [mode];
  if (runtime !== null) parts.push(`${runtimeMin(runtime)} min`);
  if (load !== null) parts.push(`${Math.round(load)} %`);
  return {
    energised: output === null ? null : output >= DEAD_BELOW_V,
    words: parts.join(" · "),
    isAbnormal: mode === mode.toUpperCase(),
    isUnknown: false,
  };
}

function meterState(look: Look): PowerState {
  const power = current(look("power"));
  const voltage = voltageWords(look);
  if (power === null && !voltage) return unknown(look("power"), look("voltage-l1"));
  const isDead = voltage ? voltage.highestV < DEAD_BELOW_V : null;
  return {
    energised: isDead === null ? null : !isDead,
    words: [
      ...(power === null ? [] : [`${kilowatts(power)} kW`]),
      ...(voltage ? [voltage.words] : []),
    ].join(" · "),
    isAbnormal: isDead === true,
    isUnknown: false,
  };
}

export function powerState(unit: Pick<PowerUnit, "kind">, look: Look): PowerState {
  switch (unit.kind) {
    case "utility":
      return utilityState(look);
    case "generator":
      return generatorState(look);
    case "ups":
      return upsState(look);
    case "transfer":
    case "pdu":
      return meterState(look);
  }
}
