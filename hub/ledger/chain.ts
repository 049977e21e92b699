import { createHash } from "node:crypto";
import { canonicalJson } from "./canonical-json.ts";
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

/** Walks the records in order and names the first that is not what was written. */
export function verifyChain(rows: Iterable<LedgerRow>): Verdict {
  let count = 0;
  let hash: Buffer = CHAIN_START;
  for (const row of rows) {
    const expected = count + 1;
    if (row.seq !== expected)
      return { ok: false, brokenAt: expected, why: `record ${expected} is missing` };
    hash = chainHash(hash, row.record);
    if (hash.toString("hex") !== row.hash)
      return { ok: false, brokenAt: row.seq, why: "its content does not match its hash" };
    const wrong = wrongColumn(row);
    if (wrong) return { ok: false, brokenAt: row.seq, why: wrong };
    count = expected;
  }
  return { ok: true, count, head: hash.toString("hex") };
}

/** The columns only serve searching; one that says something else than the record is an alteration too. */
function wrongColumn(row: LedgerRow): string | undefined {
  const detail = JSON.parse(row.record) as Record<string, unknown>;
  if (canonicalJson(detail) !== row.record) return "it is not canonical JSON";
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
