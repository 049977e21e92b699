import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { EdgeConfig } from "../config/edge-config.ts";
import type { Sink } from "../poll/loop.ts";
import type { Spool } from "../spool/spool.ts";
import { type Metered, meteredPoints } from "./metered-points.ts";
import { LagMeter, ProgressMeter, SpoolMeter } from "./progress-meter.ts";
import { createNotifier, type NotifierDeps, runWatchdog } from "./systemd.ts";

export interface SelfWatchDeps {
  config: Metered & { spool: Pick<EdgeConfig["spool"], "commitEveryMs"> };
  spool: Pick<Spool, "pending" | "last" | "backlog">;
  connected: () => boolean;
  env: NotifierDeps["env"];
  clock: Clock;
  log: Logger;
  send?: NotifierDeps["send"];
}

/** The program's watch over itself: systemd hears of it only while every loop and the spool go on. */
export interface SelfWatch {
  /** Every bus's sink goes through here: samples are how a loop shows that it goes on. */
  through(sink: Sink): Sink;
  run(signal: AbortSignal): Promise<void>;
}

export function createSelfWatch(deps: SelfWatchDeps): SelfWatch {
  const { config, spool, connected, env, clock, log, send } = deps;
  const meter = new ProgressMeter(meteredPoints(config), clock);
  const lag = new LagMeter(clock);
  const spoolMeter = new SpoolMeter(spool, clock);
  const { commitEveryMs } = config.spool;
  const notifier = createNotifier({ env, log, ...(send ? { send } : {}) });

  const lookAtSpool = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      spoolMeter.look();
      await clock.sleep(commitEveryMs, signal);
    }
  };
  const status = () => {
    const hub = connected() ? "hub connected" : "hub not connected";
    return `${config.points.length} points, ${hub}, ${spool.backlog} rows waiting`;
  };
  const vitals = () => ({
    nowMs: clock.monoMs(),
    lagMs: lag.take(),
    loops: meter.loops(),
    spoolProgressMs: spoolMeter.look(),
    commitEveryMs,
  });
  return {
    through: (sink) => meter.through(sink),
    run: async (signal) => {
      const petting = runWatchdog({ notifier, vitals, status, clock, log }, signal);
      await Promise.all([petting, lookAtSpool(signal), lag.run(signal)]);
    },
  };
}
