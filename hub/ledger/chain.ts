import { createHash } from "node:crypto";
import type { LedgerRow } from "./ledger-table.ts";

/** What stands before the first record. */
export const CHAIN_START = Buffer.alloc(32);

/** Hash of a record: SHA-256(hash of the record before ‖ canonical JSON of this one). */
export function chainHash(previous: Uint8Array, record: string): Buffer {
  return createHash("sha256").update(previous).update(record, "utf8").digest();
}

export type Verdict =
  | { ok: true; count: number; head: string }
  | { ok: false; brokenAt: number; why: string };

/** Takes the records in order and names the first that is not what was written. */
export class ChainCheck {
  count = 0;
  #head: Buffer = CHAIN_START;

  /** What is wrong with the next record; undefined when it is whole. */
  next(row: LedgerRow): Verdict | undefined {
    const expected = this.count + 1;
    if (row.seq !== expected)
      return { ok: false, brokenAt: expected, why: `record ${expected} is missing` };
    const hash = chainHash(this.#head, row.record);
    if (hash.toString("hex") !== row.hash)
      return { ok: false, brokenAt: row.seq, why: "its content does not match its hash" };
    const wrong = wrongColumn(row);
    if (wrong) return { ok: false, brokenAt: row.seq, why: wrong };
    this.count = expected;
    this.#head = hash;
    return undefined;
  }

  /** The verdict when no record was broken. */
  whole = (): Verdict => ({ ok: true, count: this.count, head: this.#head.toString("hex") });
}

/** The columns only serve searching; one that says something else than the record is an alteration too. */
function wrongColumn(row: LedgerRow): string | undefined {
  const detail = JSON.parse(row.record) as Record<string, unknown>;
  const columns: [string, unknown, unknown][] = [
    ["seq", row.seq, detail.seq],
    ["type", row.type, detail.type],
    ["at", row.at, detail.at],
    ["received_at", row.received_at, detail.receivedAt],
    ["node", row.node, detail.node ?? null],
    ["epoch", row.epoch, detail.epoch ?? null],
    ["source_seq", row.source_seq, detail.sourceSeq ?? null],
    ["door", row.door, detail.door ?? null],
    ["label", row.label, detail.label ?? null],
  ];
  const wrong = columns.find(([, column, written]) => column !== written);
  return wrong && `its column ${wrong[0]} does not match its content`;
}
