import type { Clock } from "../../contract/clock.ts";

/** The outcome of `work`, or the error from `late` when `ms` pass first. `work` is not stopped by it. */
export async function withDeadline<T>(
  work: Promise<T>,
  ms: number,
  clock: Clock,
  late: () => Error,
): Promise<T> {
  const settled = new AbortController();
  const expiry = async (): Promise<T> => {
    await clock.sleep(ms, settled.signal);
    if (!settled.signal.aborted) throw late();
    return work;
  };
  try {
    return await Promise.race([work, expiry()]);
  } finally {
    settled.abort();
  }
}
