import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { HeartbeatTarget } from "../config/hub-config.ts";
import type { Channel, OutgoingMessage } from "../notify/channel.ts";
import { webhookChannel } from "../notify/webhook-channel.ts";

/** A target that has taken no heartbeat for so many intervals is an alarm of its own. */
const MISSED = 3;

/** How one target fares. Its address stays out of it: a path may hold a secret. */
export interface HeartbeatView {
  host: string;
  everyMs: number;
  /** When it last took one; null when it never has. */
  acceptedAt: EpochMs | null;
  /** Why the newest was not taken; null when it was. */
  error: string | null;
  overdue: boolean;
}

export interface HeartbeatDeps {
  targets: readonly HeartbeatTarget[];
  /** Name of the site, so that a watcher of several knows whose beat it is. */
  site: string;
  clock: Clock;
  log: Logger;
  channelFor?: (target: HeartbeatTarget) => Channel;
}

interface Beat {
  target: HeartbeatTarget;
  channel: Channel;
  count: number;
  sentMs: number;
  acceptedMs: number;
  acceptedAt: EpochMs | null;
  error: string | null;
  isSending: boolean;
}

/**
 * Tells the outside that the hub works, each target at its interval and only after a good self-check: when
 * the beats stop, an outside watcher raises the alarm that the hub itself no longer can.
 */
export class Heartbeat {
  readonly #deps: HeartbeatDeps;
  readonly #beats: Beat[];

  constructor(deps: HeartbeatDeps) {
    this.#deps = deps;
    const { clock, channelFor = (target) => targetChannel(target, clock) } = deps;
    const nowMs = clock.monoMs();
    this.#beats = deps.targets.map((target) => ({
      ...{ target, channel: channelFor(target), count: 0, isSending: false },
      ...{ sentMs: Number.NEGATIVE_INFINITY, acceptedMs: nowMs, acceptedAt: null, error: null },
    }));
  }

  /** A round was good: whatever is due goes out. One at a time per target, each with its own deadline. */
  beat(): void {
    const nowMs = this.#deps.clock.monoMs();
    for (const beat of this.#beats) {
      // A round earlier rather than a round late: rounds and intervals need not fit.
      if (beat.isSending || nowMs - beat.sentMs < beat.target.everyMs - EARLY_MS) continue;
      void this.#send(beat);
    }
  }

  views(): HeartbeatView[] {
    return this.#beats.map((beat) => {
      const { target, acceptedAt, error } = beat;
      const { everyMs, url } = target;
      return { host: new URL(url).host, everyMs, acceptedAt, error, overdue: this.#overdue(beat) };
    });
  }

  /** Targets that have taken nothing for three intervals. */
  overdue(): number {
    return this.#beats.filter((beat) => this.#overdue(beat)).length;
  }

  #overdue({ acceptedMs, target }: Beat): boolean {
    return this.#deps.clock.monoMs() - acceptedMs > MISSED * target.everyMs + EARLY_MS;
  }

  async #send(beat: Beat): Promise<void> {
    const { clock, log, site } = this.#deps;
    beat.isSending = true;
    beat.sentMs = clock.monoMs();
    beat.count += 1;
    const outcome = await beat.channel.send(messageOf(site, beat, clock.nowMs()));
    beat.isSending = false;
    const { host } = new URL(beat.target.url);
    const error = outcome.kind === "failed" || outcome.kind === "refused" ? outcome.why : null;
    if (error !== null && beat.error === null) log.warn({ host, error }, "heartbeat not taken");
    if (error === null && beat.error !== null) log.info({ host }, "heartbeat taken again");
    beat.error = error;
    if (error !== null) return;
    beat.acceptedMs = clock.monoMs();
    beat.acceptedAt = clock.nowMs();
  }
}

/** Half a round of the self-check. */
const EARLY_MS = 15_000;

function targetChannel({ url, secret, allowPrivate }: HeartbeatTarget, clock: Clock): Channel {
  return webhookChannel({ kind: "webhook", id: "heartbeat", url, secret, allowPrivate }, { clock });
}

function messageOf(site: string, { count, target }: Beat, at: EpochMs): OutgoingMessage {
  const { everyMs } = target;
  return {
    ...{ key: `heartbeat-${at}-${count}`, subject: "heartbeat", text: "", createdAt: at },
    data: { heartbeat: site, at, count, everyMs },
  };
}
