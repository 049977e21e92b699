import type { Logger } from "pino";
import type { Priority } from "../../contract/alarm/rule.ts";
import type { NotificationView } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Receiver } from "../config/hub-config.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";
import { afterCommit, transact } from "../state/transaction.ts";
import { Bell } from "./bell.ts";
import type { Channel, Outcome } from "./channel.ts";
import { plainChannels } from "./channels.ts";
import { type OutboxRow, OutboxTable, STUCK_ATTEMPTS } from "./outbox-table.ts";

/**
 * The most messages waiting for one receiver. Beyond it the oldest of the least urgent is given up,
 * marked failed with the reason, and logged.
 */
export const MAX_QUEUED = 1_000;
/** Finished messages kept for people to look at; older ones are forgotten. */
export const MAX_DONE = 10_000;
export const FIRST_RETRY_MS = 5_000;
export const LONGEST_RETRY_MS = 15 * 60_000;
/** A message not accepted within this time is given up: it would no longer help anybody. */
export const GIVE_UP_MS = 24 * 3_600_000;
const STORAGE_RETRY_MS = 5_000;

/** Something people are told, before it is addressed. */
export interface Notice {
  /** Different for every notice there ever is; each receiver's copy adds its id. */
  key: string;
  alarm: string;
  occurrence: number;
  change: string;
  priority: Priority;
  receivers: readonly string[];
  subject: string;
  text: string;
  data: Record<string, unknown>;
  /** Which page about this occurrence it is, counting from 0; left out for what asks nobody to act. */
  step?: number;
}

/** All messages of a page about an occurrence. */
export interface Page {
  alarm: string;
  occurrence: number;
  step: number;
}

export interface Outbox {
  /** Queues one message per receiver. Joins an open transaction; sends nothing before it is on disk. */
  enqueue(notice: Notice): void;
  /** Sends what is due until `signal` aborts, then waits for the attempts under way (bounded by their timeouts). */
  run(signal: AbortSignal): Promise<void>;
  /** The newest first. */
  list(query: { limit: number }): NotificationView[];
  counts(): { queued: number; failed: number };
  /**
   * Gives up the pages about this occurrence that still wait, and returns the receivers whom none has
   * gone to. What goes out at this moment cannot be held back.
   */
  supersede(alarm: string, occurrence: number, why: string): string[];
  /** Notes on the pages about an occurrence who acknowledged it. */
  acknowledged(alarm: string, occurrence: number, ack: { at: EpochMs; by: string }): void;
  /** True when every message of the page has failed, or has failed four times and is still tried. */
  isLost(page: Page): boolean;
  /** True from the moment a message to the receiver failed for good or the fourth time, until one goes out again. */
  isFailing(receiver: string): boolean;
  /** Told, inside the transaction, when a page's message fails for good or the fourth time. */
  onTrouble(listener: (page: Page) => void): void;
}

export interface OutboxDeps {
  db: HubDb;
  receivers: readonly Receiver[];
  clock: Clock;
  log: Logger;
  /** How a receiver is reached; the real channels when left out. */
  channelFor?: (receiver: Receiver) => Channel;
}

/**
 * Messages to people, in hub.db until they are through. One at a time per receiver, most urgent first,
 * but those about one alarm in order. An attempt is written down before it is made: after a crash or
 * a time-out the message goes out again under the same key, after the same pause as any failure.
 */
export function createOutbox(deps: OutboxDeps): Outbox {
  return new SqliteOutbox(deps);
}

class SqliteOutbox implements Outbox {
  readonly #db: HubDb;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #table: OutboxTable;
  readonly #receivers: Map<string, { channel: Channel; bell: Bell }>;
  readonly #troubled: ((page: Page) => void)[] = [];
  readonly #failing: Set<string>;

  constructor({ db, receivers, clock, log, channelFor = plainChannels(clock) }: OutboxDeps) {
    this.#db = db;
    this.#clock = clock;
    this.#log = log;
    this.#table = new OutboxTable(db);
    this.#failing = new Set(this.#table.failing());
    this.#receivers = new Map(
      receivers.map((receiver) => [
        receiver.id,
        { channel: channelFor(receiver), bell: new Bell() },
      ]),
    );
    for (const receiver of this.#table.queuedReceivers()) {
      if (this.#receivers.has(receiver)) continue;
      const why = "the receiver is no longer in site.yaml";
      const count = this.#table.abandon(receiver, clock.nowMs(), why);
      log.warn({ receiver, count }, "notifications given up: receiver is gone");
    }
  }

  enqueue(notice: Notice): void {
    transact(this.#db, () => {
      for (const receiver of new Set(notice.receivers)) this.#add(notice, receiver);
    });
  }

  list({ limit }: { limit: number }): NotificationView[] {
    return this.#table.list(limit).map(toView);
  }

  counts(): { queued: number; failed: number } {
    return { queued: this.#table.count("queued"), failed: this.#table.count("failed") };
  }

  supersede(alarm: string, occurrence: number, why: string): string[] {
    return transact(this.#db, () => {
      const waiting = this.#table.waiting(alarm, occurrence);
      const now = this.#clock.nowMs();
      this.#table.supersede(alarm, occurrence, now, why);
      const reached = new Set(this.#table.reached(alarm, occurrence));
      const untold = waiting.filter((receiver) => !reached.has(receiver));
      // Nor is the end any news to them.
      for (const receiver of untold) this.#table.forgo({ alarm, occurrence, receiver }, now, why);
      return untold;
    });
  }

  acknowledged(alarm: string, occurrence: number, { at, by }: { at: EpochMs; by: string }): void {
    this.#table.acknowledge(alarm, occurrence, at, by);
  }

  isLost({ alarm, occurrence, step }: Page): boolean {
    return this.#table.isLost(alarm, occurrence, step);
  }

  isFailing = (receiver: string): boolean => this.#failing.has(receiver);

  onTrouble(listener: (page: Page) => void): void {
    this.#troubled.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const loops = [...this.#receivers.keys()].map((id) => this.#serve(id, signal));
    await Promise.all(loops);
  }

  #add(notice: Notice, receiver: string): void {
    const known = this.#receivers.get(receiver);
    const now = this.#clock.nowMs();
    const problem = known ? this.#makeRoom(receiver, notice.priority) : "no such receiver";
    const { key, alarm, occurrence, change, priority, subject, text, data, step = null } = notice;
    this.#table.insert({
      ...{ alarm, occurrence, change, priority, receiver, subject, text, step },
      key: `${key}/${receiver}`,
      channel: known?.channel.kind ?? "webhook",
      data: JSON.stringify(data),
      state: problem ? "failed" : "queued",
      next_at: now,
      created_at: now,
      done_at: problem ? now : null,
      error: problem ?? null,
    });
    if (problem) this.#log.error({ alarm, change, receiver, problem }, "notification not sent");
    else afterCommit(this.#db, () => known?.bell.ring());
  }

  /** Gives up the least urgent message when the queue is full; returns why the new one is it. */
  #makeRoom(receiver: string, priority: Priority): string | undefined {
    if (this.#table.queued(receiver) < MAX_QUEUED) return undefined;
    const why = `given up: ${MAX_QUEUED} messages were waiting for this receiver`;
    const least = this.#table.leastQueued(receiver);
    if (!least || least.priority < priority) return why;
    this.#table.finish(least.id, "failed", this.#clock.nowMs(), why);
    this.#log.error({ receiver, id: least.id }, "notification given up: too many are waiting");
    return undefined;
  }

  async #serve(receiver: string, signal: AbortSignal): Promise<void> {
    const { channel, bell } = this.#receivers.get(receiver)!;
    while (!signal.aborted) {
      const now = this.#clock.nowMs();
      const row = this.#table.due(receiver, now, now + LONGEST_RETRY_MS);
      if (row) await this.#attempt(row, channel, signal);
      else {
        const nextAt = this.#table.nextAt(receiver) ?? now + LONGEST_RETRY_MS;
        await bell.wait(this.#clock, Math.max(1, nextAt - now), signal);
      }
    }
  }

  async #attempt(row: OutboxRow, channel: Channel, signal: AbortSignal): Promise<void> {
    const nextAt = this.#clock.nowMs() + retryDelayMs(row.attempts + 1);
    if (!(await this.#write(() => this.#table.claim(row.id, nextAt), signal))) return;
    const outcome = await channel.send({
      key: row.key,
      subject: row.subject,
      text: row.text,
      data: JSON.parse(row.data) as Record<string, unknown>,
      createdAt: row.created_at,
    });
    await this.#write(() => this.#settle(row, outcome), signal);
  }

  #settle(row: OutboxRow, outcome: Outcome): void {
    const { id, alarm, change, receiver, attempts } = row;
    const where = { id, alarm, change, receiver, attempts: attempts + 1 };
    const now = this.#clock.nowMs();
    const isSent = outcome.kind === "accepted" || outcome.kind === "delivered";
    // Given up while it was under way: that it failed is no news then.
    if (!isSent && !this.#table.isQueued(id)) return;
    switch (outcome.kind) {
      case "failed":
        if (now - row.created_at < GIVE_UP_MS) {
          this.#table.note(id, outcome.why);
          if (attempts === 0)
            this.#log.warn({ ...where, why: outcome.why }, "notification delayed");
          if (attempts + 1 === STUCK_ATTEMPTS) this.#tellTrouble(row);
          return;
        }
        this.#table.finish(id, "failed", now, `given up after 24 h: ${outcome.why}`);
        this.#tellTrouble(row);
        this.#log.error({ ...where, why: outcome.why }, "notification given up after 24 h");
        break;
      case "refused":
        this.#table.finish(id, "failed", now, outcome.why);
        this.#tellTrouble(row);
        this.#log.error({ ...where, why: outcome.why }, "notification refused");
        break;
      case "accepted":
      case "delivered": {
        const note = outcome.kind === "accepted" ? outcome.note : null;
        this.#failing.delete(receiver);
        this.#table.finish(id, outcome.kind, now, note);
        if (note) this.#log.error({ ...where, note }, "notification did not reach everybody");
        else this.#log.info(where, `notification ${outcome.kind}`);
      }
    }
    this.#table.prune(MAX_DONE);
  }

  #tellTrouble({ alarm, occurrence, step, receiver }: OutboxRow): void {
    this.#failing.add(receiver);
    if (step === null) return;
    for (const listener of this.#troubled) listener({ alarm, occurrence, step });
  }

  /** Writes, again and again while the disk is full, so that a sent message is never sent anew for that. */
  async #write(work: () => void, signal: AbortSignal): Promise<boolean> {
    for (let logged = false; ; logged = true) {
      try {
        transact(this.#db, work);
        return true;
      } catch (error) {
        if (!isStorageFault(error)) throw error;
        if (!logged) this.#log.error({ err: error }, "the outbox cannot be written");
      }
      if (signal.aborted) return false;
      await this.#clock.sleep(STORAGE_RETRY_MS, signal);
    }
  }
}

/** Pause after the n-th attempt: 5 s, 10 s, 20 s … 15 min. */
export function retryDelayMs(attempts: number): number {
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** Math.min(attempts - 1, 20));
}

function toView(row: OutboxRow): NotificationView {
  const { id, alarm, occurrence, change, receiver, channel, attempts, error, step } = row;
  const { state, acked_at: at, acked_by: by, superseded } = row;
  const isSent = state === "accepted" || state === "delivered";
  const times: { createdAt: EpochMs; doneAt: EpochMs | null } = {
    createdAt: row.created_at,
    doneAt: row.done_at,
  };
  return {
    ...{ id, alarm, occurrence, change, receiver, channel, attempts, error, ...times },
    state: superseded ? "superseded" : at !== null && isSent ? "acknowledged" : state,
    ...(step !== null && { step }),
    ...(at !== null && by !== null && { acknowledged: { at, by } }),
  };
}
