import type { Clock } from "../contract/clock.ts";

/** Given with every abort: without a reason Node makes an error with a stack, for each reading that comes. */
const NEWS = "news";

/** Lets a loop wait for time or for news, whichever comes first. News that comes while nobody waits is kept. */
export class Waker {
  #news = new AbortController();

  wake(): void {
    if (!this.#news.signal.aborted) this.#news.abort(NEWS);
  }

  /** Resolves after `ms`, on news, or when `signal` aborts. */
  async wait(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
    const news = this.#news;
    const stop = () => news.abort(NEWS);
    if (signal.aborted) return;
    signal.addEventListener("abort", stop, { once: true });
    if (ms > 0) await clock.sleep(ms, news.signal);
    signal.removeEventListener("abort", stop);
    if (news.signal.aborted) this.#news = new AbortController();
  }
}
