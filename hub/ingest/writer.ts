import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import type { Ack } from "../../contract/message.ts";
import { type HistoryStore, StoreError } from "../history/store.ts";
import type { Batch, BatchQueue, QueuedReading } from "./batch-queue.ts";

/** Rows per write, unless the store says otherwise: enough to be fast, few enough for its deadline. */
export const MAX_WRITE_ROWS = 5_000;
/** A short wait lets rows of many nodes share one write. */
const GATHER_MS = 50;
const FIRST_RETRY_MS = 250;
const LONGEST_RETRY_MS = 5_000;

export interface WriterDeps {
  queue: BatchQueue;
  store: Pick<HistoryStore, "write" | "rowsAtOnce">;
  publishAck(node: string, ack: Ack): void;
  /** Puts rows the store refuses for ever aside; throws StoreError when even that fails. */
  setAside(rows: readonly QueuedReading[], why: string): void;
  /** Tells how many rows of a node have become durable. */
  onStored(node: string, rows: number): void;
  clock: Clock;
  log: Logger;
}

/** Moves waiting rows into the store and acknowledges them, for ever. A failing store is waited for. */
export class Writer {
  readonly #deps: WriterDeps;
  #inHandSinceMs: number | undefined;
  #error: string | null = null;

  constructor(deps: WriterDeps) {
    this.#deps = deps;
  }

  get error(): string | null {
    return this.#error;
  }

  /** How long the oldest row that is not stored yet has waited. */
  lagMs(): number {
    const { queue, clock } = this.#deps;
    const sinceMs = this.#inHandSinceMs ?? queue.oldestMs();
    return sinceMs === undefined ? 0 : clock.monoMs() - sinceMs;
  }

  async run(signal: AbortSignal): Promise<void> {
    const { queue, store } = this.#deps;
    const { rowsAtOnce = MAX_WRITE_ROWS } = store;
    while (!signal.aborted) {
      await queue.arrival(signal);
      await this.#gather(signal);
      const batches = queue.take(rowsAtOnce);
      if (batches.length === 0) continue;
      this.#inHandSinceMs = Math.min(...batches.map(({ arrivedMs }) => arrivedMs));
      const stored = await this.#store(batches, signal);
      this.#inHandSinceMs = undefined;
      if (stored) this.#acknowledge(batches);
    }
  }

  /** Lets rows of other nodes come in, until they are enough for a write of their own. */
  async #gather(signal: AbortSignal): Promise<void> {
    const { queue, clock } = this.#deps;
    if (signal.aborted) return;
    const gathered = new AbortController();
    const stop = () => gathered.abort();
    signal.addEventListener("abort", stop);
    const enough = queue.arrival(gathered.signal, MAX_WRITE_ROWS);
    await Promise.race([enough, clock.sleep(GATHER_MS, gathered.signal)]);
    stop();
    signal.removeEventListener("abort", stop);
  }

  /** False when told to stop before everything was durable: the nodes will send it again. */
  async #store(batches: readonly Batch[], signal: AbortSignal): Promise<boolean> {
    const rows = batches.flatMap((batch) => batch.rows);
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(LONGEST_RETRY_MS, delayMs * 2)) {
      try {
        this.#count(await this.#writeSound(rows, signal));
        this.#setError(null);
        return true;
      } catch (error) {
        if (!(error instanceof StoreError)) throw error;
        if (signal.aborted) return false;
        this.#setError(error.message);
      }
      await this.#deps.clock.sleep(delayMs, signal);
      if (signal.aborted) return false;
    }
  }

  /** Writes the rows; those the store refuses for ever are set aside. Returns the ones it took. */
  async #writeSound(rows: QueuedReading[], signal: AbortSignal): Promise<QueuedReading[]> {
    let left = rows;
    while (left.length > 0) {
      try {
        await this.#deps.store.write(left, signal);
        break;
      } catch (error) {
        if (!(error instanceof StoreError) || error.poison.length === 0) throw error;
        const refused = new Set(error.poison);
        this.#deps.setAside(
          left.filter((_, index) => refused.has(index)),
          error.message,
        );
        left = left.filter((_, index) => !refused.has(index));
      }
    }
    return left;
  }

  #count(rows: readonly QueuedReading[]): void {
    const counts = new Map<string, number>();
    for (const { node } of rows) counts.set(node, (counts.get(node) ?? 0) + 1);
    for (const [node, count] of counts) this.#deps.onStored(node, count);
  }

  /** One acknowledgement per node and epoch: the last batch speaks for those before it. */
  #acknowledge(batches: readonly Batch[]): void {
    const acks = new Map<string, Batch>();
    for (const batch of batches) acks.set(`${batch.node} ${batch.epoch}`, batch);
    for (const { node, epoch, upto } of acks.values()) this.#deps.publishAck(node, { epoch, upto });
  }

  #setError(error: string | null): void {
    const { log } = this.#deps;
    if (error !== null && this.#error === null) log.error({ error }, "history not writable");
    if (error === null && this.#error !== null) log.info("history writable again");
    this.#error = error;
  }
}
