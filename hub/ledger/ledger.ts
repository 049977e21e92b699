import type { EpochMs } from "../../contract/clock.ts";
import type { SpoolEvent } from "../../contract/message.ts";

/** One event from a node's spool. `(node, epoch, seq)` names it for ever. */
export interface LedgerInput {
  node: string;
  epoch: string;
  seq: number;
  receivedAt: EpochMs;
  event: SpoolEvent;
}

export interface EventSink {
  /** Synchronous, one transaction, durable on return. The same `(node, epoch, seq)` twice is stored once. */
  append(inputs: readonly LedgerInput[]): void;
}
