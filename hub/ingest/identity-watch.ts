import type { Clock } from "../../contract/clock.ts";

/** What tells one machine from another that uses the same node id. */
export interface Identity {
  bootId: string;
  epoch: string;
}

/** A boot never comes back once another has followed: within this time it is noticed when it does. */
const BOOT_RETURN_MS = 10 * 60_000;
/** A node with an old spool may go back to its epoch once; twice within a minute are two machines. */
const EPOCH_RETURN_MS = 60_000;
/** A conflict is over when one machine alone has been heard for so long: longer than a node's back-off. */
export const ALONE_MS = 120_000;
/** After one machine took over from another that was still connected, its rows wait for the other to return. */
export const PROBATION_MS = 10_000;
const MAX_FORMER = 8;

interface Former extends Identity {
  untilMs: number;
}

interface Watched {
  now: Identity;
  former: Former[];
  changedMs: number;
  probationUntilMs: number;
  conflict: boolean;
}

/**
 * Notices two machines that share a node id, for instance after an SD card was copied: their births take
 * turns. Holds one entry per announced node.
 */
export class IdentityWatch {
  readonly #clock: Pick<Clock, "monoMs">;
  readonly #nodes = new Map<string, Watched>();

  constructor(clock: Pick<Clock, "monoMs">) {
    this.#clock = clock;
  }

  /**
   * Takes a node's birth; true when with it a conflict begins. `connected`: the node's last machine was
   * still there when this one announced itself.
   */
  born(node: string, { bootId, epoch }: Identity, connected: boolean): boolean {
    const nowMs = this.#clock.monoMs();
    const identity = { bootId, epoch };
    const held = this.#nodes.get(node);
    if (!held) {
      const fresh = { former: [], changedMs: nowMs, probationUntilMs: nowMs, conflict: false };
      this.#nodes.set(node, { now: identity, ...fresh });
      return false;
    }
    const before = held.now;
    if (isSame(before, identity)) return false;
    const returned = isReturn(held, identity, nowMs);
    held.former = [...held.former, { ...before, untilMs: nowMs }].slice(-MAX_FORMER);
    held.now = identity;
    held.changedMs = nowMs;
    if (connected && before.bootId !== bootId) held.probationUntilMs = nowMs + PROBATION_MS;
    const begins = returned && !held.conflict;
    if (begins) held.conflict = true;
    return begins;
  }

  inConflict(node: string): boolean {
    return this.#nodes.get(node)?.conflict ?? false;
  }

  /** Whether rows of the node may be taken now. */
  isTrusted(node: string): boolean {
    const held = this.#nodes.get(node);
    return !held || (!held.conflict && this.#clock.monoMs() >= held.probationUntilMs);
  }

  /** The machines heard last, for the record. */
  machines(node: string): Identity[] {
    const held = this.#nodes.get(node);
    if (!held) return [];
    const all = [held.now, ...held.former.toReversed()];
    return all
      .filter((one, index) => all.findIndex((other) => isSame(one, other)) === index)
      .map(({ bootId, epoch }) => ({ bootId, epoch }));
  }

  /**
   * Ends the conflicts in which one machine alone is left; returns their nodes. While nobody is connected,
   * both may be waiting to come back.
   */
  settle(isConnected: (node: string) => boolean): string[] {
    const nowMs = this.#clock.monoMs();
    const settled: string[] = [];
    for (const [node, held] of this.#nodes) {
      if (!held.conflict) continue;
      if (!isConnected(node)) held.changedMs = nowMs;
      if (nowMs - held.changedMs < ALONE_MS) continue;
      held.conflict = false;
      held.former = [];
      settled.push(node);
    }
    return settled;
  }

  forget(node: string): void {
    this.#nodes.delete(node);
  }
}

function isReturn({ now, former }: Watched, identity: Identity, nowMs: number): boolean {
  if (now.bootId !== identity.bootId)
    return former.some(
      ({ bootId, untilMs }) => bootId === identity.bootId && nowMs - untilMs <= BOOT_RETURN_MS,
    );
  const recent = former.filter(({ untilMs }) => nowMs - untilMs <= EPOCH_RETURN_MS);
  const again = (one: Identity) => recent.some((other) => isSame(one, other));
  return again(identity) && again(now);
}

const isSame = (a: Identity, b: Identity) => a.bootId === b.bootId && a.epoch === b.epoch;
