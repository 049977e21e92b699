/** New point names a node may bring at once, and a day from then on. */
export const NAMES_AT_ONCE = 5_000;
export const NAMES_PER_DAY = 5_000;
const DAY_MS = 86_400_000;

/**
 * How many point names each node has left to bring: every one is a series in the history for ever. Counts
 * since the hub's start; one entry per announced node.
 */
export class NameBudget {
  readonly #monoMs: () => number;
  readonly #left = new Map<string, { names: number; atMs: number }>();

  constructor(monoMs: () => number) {
    this.#monoMs = monoMs;
  }

  /** Takes one name off; false when none is left. */
  take(node: string): boolean {
    const nowMs = this.#monoMs();
    const held = this.#left.get(node) ?? { names: NAMES_AT_ONCE, atMs: nowMs };
    const grown = ((nowMs - held.atMs) / DAY_MS) * NAMES_PER_DAY;
    const names = Math.min(NAMES_AT_ONCE, held.names + grown);
    const taken = names >= 1;
    this.#left.set(node, { names: taken ? names - 1 : names, atMs: nowMs });
    return taken;
  }

  forget(node: string): void {
    this.#left.delete(node);
  }
}
