import type { Clock } from "../../contract/clock.ts";
import { outputBus } from "../buses.ts";
import type { OutputConfig } from "../config/schema.ts";
import type { OutputLoop } from "../outputs/output-loop.ts";
import type { LocalAlarms } from "./local-alarms.ts";
import type { Output } from "./output.ts";

const TICK_MS = 1_000;

/** What an output shows of the local alarms. */
export interface SignalRule {
  /** Rules it follows; empty: every local rule. */
  rules: readonly string[];
  /** `cleared`: on while an alarm stands, for a beacon. `acknowledged`: until somebody has seen it, for a buzzer. */
  until: "cleared" | "acknowledged";
  /** On only once the hub has been gone for so long; 0: at once, hub or no hub. */
  aloneMs: number;
}

export interface SignalDeps {
  alarms: Pick<LocalAlarms, "sounding" | "onChange">;
  signals: readonly { output: Output; rule: SignalRule }[];
  /** Whether the hub is connected. */
  connected: () => boolean;
  clock: Clock;
}

export interface Signals {
  run(signal: AbortSignal): Promise<void>;
}

/** Each configured output with the loop that drives it. */
export function signalsOf(
  configs: readonly OutputConfig[],
  loops: readonly OutputLoop[],
): SignalDeps["signals"] {
  return configs.flatMap(({ id, bus, rules, until, alone = 0 }) => {
    const loop = loops.find((other) => other.bus === outputBus(bus));
    if (!loop) return [];
    const output: Output = {
      id,
      govern: () => loop.govern(),
      demand: (cause) => loop.demand(id, cause),
      release: (cause) => loop.release(id, cause),
    };
    return [{ output, rule: { rules, until, aloneMs: alone } }];
  });
}

/** Switches outputs as local alarms come and go. */
export function createSignals({ alarms, signals, connected, clock }: SignalDeps): Signals {
  const demanded = new Map(signals.map(({ output }) => [output, new Set<string>()]));
  let aloneSinceMs = clock.monoMs();

  const show = () => {
    if (connected()) aloneSinceMs = clock.monoMs();
    const aloneMs = clock.monoMs() - aloneSinceMs;
    const sounding = alarms.sounding();
    for (const { output, rule } of signals) {
      const wanted = new Set(
        sounding
          .filter(({ rule: id }) => rule.rules.length === 0 || rule.rules.includes(id))
          .filter(({ acknowledged }) => rule.until === "cleared" || !acknowledged)
          .filter(() => aloneMs >= rule.aloneMs)
          .map((alarm) => `${alarm.rule}.${alarm.subject} ${alarm.occurrence}`),
      );
      const before = demanded.get(output) ?? new Set();
      for (const cause of before) if (!wanted.has(cause)) output.release(cause);
      for (const cause of wanted) if (!before.has(cause)) output.demand(cause);
      demanded.set(output, wanted);
    }
  };
  alarms.onChange(show);

  return {
    async run(signal) {
      for (const { output } of signals) output.govern();
      while (!signal.aborted) {
        show();
        await clock.sleep(TICK_MS, signal);
      }
    },
  };
}
