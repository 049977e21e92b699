import type { Clock } from "../../contract/clock.ts";
import type { Listed } from "./register.ts";

const DAY_MS = 86_400_000;
/** A node renews at 30 days left; one that has not done so by now will be locked out. */
const LATE_LEFT_MS = 14 * DAY_MS;
/** An event stands as trouble for so long after it last happened. */
const EVENT_MS = 15 * 60_000;
/** The oldest is forgotten beyond this. */
const MAX_NODES = 1_000;

/** What is wrong with a node's identity, in words; null when nothing is. */
export interface IdentityState {
  node: string;
  trouble: string | null;
}

/** Knows for each enrolled node whether its identity is in order: by its dates, and by what has just happened. */
export class IdentityTroubles {
  readonly #clock: Clock;
  readonly #events = new Map<string, { text: string; untilMonoMs: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Something happened that a person must look into. */
  note(node: string, text: string): void {
    this.#events.delete(node);
    this.#events.set(node, { text, untilMonoMs: this.#clock.monoMs() + EVENT_MS });
    const [oldest] = this.#events.keys();
    if (this.#events.size > MAX_NODES && oldest !== undefined) this.#events.delete(oldest);
  }

  /** One entry per node, by name. `certificates` come newest first. */
  states(certificates: readonly Listed[]): IdentityState[] {
    const newest = new Map<string, Listed>();
    for (const one of certificates)
      if (one.revokedAt === null && !newest.has(one.node)) newest.set(one.node, one);
    const now = this.#clock.nowMs();
    const states = new Map<string, string | null>();
    for (const [node, { expiresAt }] of newest) states.set(node, dateTrouble(expiresAt - now));
    for (const [node, { text, untilMonoMs }] of this.#events) {
      if (untilMonoMs > this.#clock.monoMs()) states.set(node, text);
      else this.#events.delete(node);
    }
    return [...states].map(([node, trouble]) => ({ node, trouble }));
  }
}

function dateTrouble(leftMs: number): string | null {
  if (leftMs <= 0) return "certificate has expired; enrol the node again";
  if (leftMs >= LATE_LEFT_MS) return null;
  const days = Math.floor(leftMs / DAY_MS);
  return `certificate ends in ${days} ${days === 1 ? "day" : "days"} and the node has not renewed it`;
}
