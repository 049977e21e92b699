import type { Clock } from "../../contract/clock.ts";

/** What one node may send for long, and at once. Twice what a node with 5,000 points at 1 Hz drains with. */
export const ROWS_PER_S = 20_000;
export const ROWS_AT_ONCE = 40_000;
export const BYTES_PER_S = 2_000_000;
export const BYTES_AT_ONCE = 8_000_000;
/** How long a node counts as loud after it was last held back. */
const LOUD_MS = 60_000;
/** Nodes whose use is remembered; beyond it the one unheard for longest begins anew. */
const MAX_REMEMBERED = 1_000;

interface Use {
  rows: number;
  bytes: number;
  /** Monotonic times of the last filling up and of the last refusal. */
  filledMs: number;
  heldBackMs: number;
}

/**
 * How much each node sends. One that sends more is not listened to for a moment: its rows stay
 * unacknowledged in its spool, and it sends them again.
 */
export class NodeLimits {
  readonly #clock: Pick<Clock, "monoMs">;
  readonly #uses = new Map<string, Use>();

  constructor(clock: Pick<Clock, "monoMs">) {
    this.#clock = clock;
  }

  /** False when the node has used up its share; asked before the message is looked into. */
  admits(node: string, bytes: number): boolean {
    const use = this.#useOf(node);
    if (use.rows > 0 && use.bytes > 0) {
      use.bytes -= bytes;
      return true;
    }
    use.heldBackMs = this.#clock.monoMs();
    return false;
  }

  /** Rows of a message that was admitted. */
  count(node: string, rows: number): void {
    this.#useOf(node).rows -= rows;
  }

  /** Whether the node was held back within the last minute. */
  isLoud(node: string): boolean {
    const use = this.#uses.get(node);
    return use !== undefined && this.#clock.monoMs() - use.heldBackMs < LOUD_MS;
  }

  #useOf(node: string): Use {
    const nowMs = this.#clock.monoMs();
    const use = this.#uses.get(node) ?? {
      rows: ROWS_AT_ONCE,
      bytes: BYTES_AT_ONCE,
      filledMs: nowMs,
      heldBackMs: Number.NEGATIVE_INFINITY,
    };
    const s = (nowMs - use.filledMs) / 1_000;
    use.rows = Math.min(ROWS_AT_ONCE, use.rows + s * ROWS_PER_S);
    use.bytes = Math.min(BYTES_AT_ONCE, use.bytes + s * BYTES_PER_S);
    use.filledMs = nowMs;
    if (!this.#uses.has(node)) this.#makeRoom();
    this.#uses.set(node, use);
    return use;
  }

  #makeRoom(): void {
    if (this.#uses.size < MAX_REMEMBERED) return;
    let oldest: string | undefined;
    let oldestMs = Number.POSITIVE_INFINITY;
    for (const [node, { filledMs }] of this.#uses) {
      if (filledMs >= oldestMs) continue;
      oldest = node;
      oldestMs = filledMs;
    }
    if (oldest !== undefined) this.#uses.delete(oldest);
  }
}
