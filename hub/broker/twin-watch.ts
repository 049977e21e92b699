const WINDOW_MS = 60_000;
const MOST_TAKEOVERS = 3;
/** A connection that was silent for so long was dead, and its node right to come again. */
const DEAD_AFTER_MS = 8_000;
/** How long both twins are kept out before the node may try again. */
export const HOLD_OFF_MS = 5 * 60_000;
/** The oldest is forgotten beyond this. */
const MAX_NODES = 1_000;

/**
 * Tells a node that reconnects from two machines with one identity. A newer connection takes over, but two
 * living ones that push each other out more than three times a minute are both held off: nothing of
 * theirs may be mixed into one series.
 */
export class TwinWatch {
  readonly #takeovers = new Map<string, number[]>();
  readonly #heldUntil = new Map<string, number>();

  /** A connection of `node` takes the place of one last heard `silentMs` ago. True when that is too often. */
  takeover(node: string, silentMs: number, nowMs: number): boolean {
    if (silentMs >= DEAD_AFTER_MS) return false;
    const recent = (this.#takeovers.get(node) ?? []).filter((at) => nowMs - at < WINDOW_MS);
    recent.push(nowMs);
    remember(this.#takeovers, node, recent);
    if (recent.length <= MOST_TAKEOVERS) return false;
    this.hold(node, nowMs);
    return true;
  }

  /** Keeps every connection of `node` out for a while. */
  hold(node: string, nowMs: number): void {
    this.#takeovers.delete(node);
    remember(this.#heldUntil, node, nowMs + HOLD_OFF_MS);
  }

  isHeld(node: string, nowMs: number): boolean {
    const until = this.#heldUntil.get(node);
    if (until === undefined) return false;
    if (nowMs < until) return true;
    this.#heldUntil.delete(node);
    return false;
  }
}

function remember<T>(map: Map<string, T>, node: string, value: T): void {
  map.delete(node);
  map.set(node, value);
  const [oldest] = map.keys();
  if (map.size > MAX_NODES && oldest !== undefined) map.delete(oldest);
}
