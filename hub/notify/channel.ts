import type { NotificationView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";

/** One message to one receiver. */
export interface OutgoingMessage {
  /** Names this message for ever; every attempt to send it carries the same one. */
  key: string;
  /** One line. */
  subject: string;
  text: string;
  /** The same in fields, for machines. */
  data: Record<string, unknown>;
  createdAt: EpochMs;
}

/**
 * What became of one attempt. `accepted`: the mail server took it, nobody knows whether it was read.
 * `refused`: trying again is pointless. `failed`: it may or may not have arrived; try again later.
 */
export type Outcome =
  | { kind: "delivered" }
  | { kind: "accepted"; note: string | null }
  | { kind: "refused"; why: string }
  | { kind: "failed"; why: string };

export type ChannelKind = NotificationView["channel"];

/** A way to reach one receiver. */
export interface Channel {
  readonly kind: ChannelKind;
  /** Tries once, within a bounded time. Never throws for what the other side does. */
  send(message: OutgoingMessage): Promise<Outcome>;
}

/** The most characters of what another side said that are kept. */
const MAX_WHY_CHARS = 300;

/** What another side said, as one line that may stand in a log and on a page. */
export const oneLine = (text: string): string =>
  text
    .replace(/[\s\p{Cc}]+/gu, " ")
    .trim()
    .slice(0, MAX_WHY_CHARS);

/** Runs `work` and aborts its signal after `ms`; `work` must then come to an end, which throws. */
export async function withDeadline<T>(
  clock: Clock,
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const done = new AbortController();
  const timer = clock.sleep(ms, done.signal).then(() => {
    if (!done.signal.aborted) late.abort(new Error(`no answer within ${ms / 1_000} s`));
  });
  try {
    return await work(late.signal);
  } catch (error) {
    throw late.signal.aborted ? late.signal.reason : error;
  } finally {
    done.abort();
    await timer;
  }
}
