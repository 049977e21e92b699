import type { StoredReading } from "../history/store.ts";

/** A reading that also knows its place in its node's spool. */
export interface QueuedReading extends StoredReading {
  epoch: string;
  seq: number;
}

/** What one `data` message leaves to be stored. An empty one still waits its turn to be acknowledged. */
export interface Batch {
  node: string;
  epoch: string;
  /** Once its rows are stored, everything up to here is. */
  upto: number;
  rows: QueuedReading[];
  /** Monotonic time of arrival. */
  arrivedMs: number;
}

/** Rows of one node, and of all, that may wait. Beyond it a batch is not taken: its node sends it again. */
export const MAX_ROWS_PER_NODE = 8_000;
export const MAX_ROWS_WAITING = 200_000;
/** Batches of one node that may wait, however empty. */
const MAX_BATCHES_PER_NODE = 200;

/** Batches waiting for the store: in order within a node, in turn between nodes. */
export class BatchQueue {
  readonly #byNode = new Map<string, { rows: number; batches: Batch[] }>();
  #rows = 0;
  #wake: (() => void) | undefined;
  #wakeAtRows = 0;

  get rows(): number {
    return this.#rows;
  }

  hasRoom(node: string): boolean {
    if (this.#rows >= MAX_ROWS_WAITING) return false;
    const own = this.#byNode.get(node);
    return !own || (own.rows < MAX_ROWS_PER_NODE && own.batches.length < MAX_BATCHES_PER_NODE);
  }

  push(batch: Batch): void {
    const own = this.#byNode.get(batch.node) ?? { rows: 0, batches: [] };
    this.#byNode.set(batch.node, own);
    own.batches.push(batch);
    own.rows += batch.rows.length;
    this.#rows += batch.rows.length;
    if (this.#rows >= this.#wakeAtRows) this.#wake?.();
  }

  /** Takes one batch of each node in turn until `maxRows` rows are reached or none is left. */
  take(maxRows: number): Batch[] {
    const taken: Batch[] = [];
    let rows = 0;
    while (rows < maxRows) {
      const next = this.#byNode.entries().next();
      if (next.done) break;
      const [node, own] = next.value;
      this.#byNode.delete(node);
      const batch = own.batches.shift();
      if (!batch) continue;
      taken.push(batch);
      rows += batch.rows.length;
      own.rows -= batch.rows.length;
      // To the end of the line: the next node in turn comes first.
      if (own.batches.length > 0) this.#byNode.set(node, own);
    }
    this.#rows -= rows;
    return taken;
  }

  /** Monotonic arrival time of the batch that has waited longest. */
  oldestMs(): number | undefined {
    let oldest: number | undefined;
    for (const { batches } of this.#byNode.values()) {
      const first = batches[0]?.arrivedMs;
      if (first !== undefined && (oldest === undefined || first < oldest)) oldest = first;
    }
    return oldest;
  }

  /** Resolves when something waits, and at least so many rows, or when `signal` aborts. One caller at a time. */
  arrival(signal: AbortSignal, rows = 0): Promise<void> {
    if (signal.aborted || (this.#byNode.size > 0 && this.#rows >= rows)) return Promise.resolve();
    this.#wakeAtRows = rows;
    return new Promise((resolve) => {
      const wake = () => {
        this.#wake = undefined;
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake);
    });
  }
}
