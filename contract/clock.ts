/** Milliseconds since 1970-01-01T00:00:00Z, as a wall clock shows them. */
export type EpochMs = number;

/** The only way the program knows or waits for time, so that a test can move it. */
export interface Clock {
  /** Wall time. May step; never use it to measure a delay. */
  nowMs(): EpochMs;
  /** Milliseconds since an arbitrary start. Never steps and never runs backwards. */
  monoMs(): number;
  /** Resolves after `ms`, never earlier, or at once (without throwing) when `signal` aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monoMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const finish = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", finish);
        resolve();
      };
      // Timers count whole milliseconds from a time read a little earlier, so they may end one early.
      const timer = setTimeout(finish, ms > 0 ? Math.ceil(ms) + 1 : 0);
      signal?.addEventListener("abort", finish);
    }),
};
