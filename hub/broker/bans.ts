const FIRST_MS = 1_000;
const LONGEST_MS = 5 * 60_000;
/** The oldest is forgotten beyond this. */
const MAX_NODES = 1_000;

/** Keeps a node out for a while after it broke the rules: 1 s, then twice as long each time, up to 5 min. */
export class Bans {
  readonly #bans = new Map<string, { times: number; untilMs: number }>();

  add(node: string, nowMs: number): void {
    const before = this.#bans.get(node);
    const forgiven = before !== undefined && nowMs - before.untilMs > LONGEST_MS;
    const times = before && !forgiven ? before.times + 1 : 1;
    const lengthMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(times - 1, 16));
    this.#bans.delete(node);
    this.#bans.set(node, { times, untilMs: nowMs + lengthMs });
    const [oldest] = this.#bans.keys();
    if (this.#bans.size > MAX_NODES && oldest !== undefined) this.#bans.delete(oldest);
  }

  holds(node: string, nowMs: number): boolean {
    return nowMs < (this.#bans.get(node)?.untilMs ?? 0);
  }
}
