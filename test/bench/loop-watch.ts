/**
 * Loaded into a program under load by `node --import`: tells its parent, when asked, how long the event loop
 * was kept from its timers since the last question. Everything the program does waits behind that.
 */
import { monitorEventLoopDelay } from "node:perf_hooks";

/** The histogram counts the pause between two looks; what is longer than it was a stall. */
const LOOK_MS = 2;

export interface LoopDelay {
  p50Ms: number;
  p99Ms: number;
  maxMs: number;
}

const delay = monitorEventLoopDelay({ resolution: LOOK_MS });
delay.enable();
const beyondLook = (ns: number) => Math.max(0, ns / 1e6 - LOOK_MS);

process.on("message", () => {
  const found: LoopDelay = {
    p50Ms: beyondLook(delay.percentile(50)),
    p99Ms: beyondLook(delay.percentile(99)),
    maxMs: beyondLook(delay.max),
  };
  delay.reset();
  process.send?.(found);
});
// The program must be able to end as if nobody listened.
process.channel?.unref();
