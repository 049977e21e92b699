import type { NodeLane } from "../../contract/topic.ts";

const MAX_MESSAGE_BYTES = 64 * 1024;
/** In all, for every node's birth and status together. */
const MAX_BYTES = 16 * 1024 * 1024;

/** Which messages the broker keeps for those who come later: birth and status of nodes the hub knows, within bounds. */
export class Retained {
  readonly #isKnown: (node: string) => boolean;
  readonly #bytes = new Map<string, number>();
  #total = 0;

  constructor(isKnown: (node: string) => boolean) {
    this.#isKnown = isKnown;
  }

  /** True when the message may be kept; it then takes the place of the one before. */
  keeps(node: string, lane: NodeLane, bytes: number): boolean {
    if ((lane !== "birth" && lane !== "status") || !this.#isKnown(node)) return false;
    const key = `${node}/${lane}`;
    const total = this.#total - (this.#bytes.get(key) ?? 0) + bytes;
    if (bytes > MAX_MESSAGE_BYTES || total > MAX_BYTES) return false;
    this.#bytes.set(key, bytes);
    this.#total = total;
    return true;
  }
}
