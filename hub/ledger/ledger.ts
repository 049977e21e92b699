import type { LedgerRecord } from "../../contract/api.ts";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { SpoolEvent } from "../../contract/message.ts";
import type { HubDb } from "../state/hub-db.ts";
import { afterCommit, transact } from "../state/transaction.ts";
import { canonicalJson, withWholeCharacters } from "./canonical-json.ts";
import { ChainCheck, chainHash, type Verdict } from "./chain.ts";
import { type LedgerQuery, LedgerTable } from "./ledger-table.ts";

/** Records checked without a pause: a few milliseconds' work. */
const VERIFY_PAGE = 200;

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

/** What the hub itself says in a record. `node`, `door` and `label` also become columns to search by. */
export interface OwnDetail {
  node?: string;
  door?: string;
  label?: string;
  [name: string]: unknown;
}

export interface Ledger extends EventSink {
  /** Adds one record of the hub's own (alarm, operator, hub) and returns it. Joins an open transaction. */
  appendOwn(type: string, at: EpochMs, detail: OwnDetail): LedgerRecord;
  read(query: LedgerQuery): { items: LedgerRecord[]; next: number | null };
  /**
   * Recomputes the whole chain. It shows any altered or missing record, but not records cut off the end:
   * for that, compare `count` and `head` with a copy kept elsewhere. Nothing else runs meanwhile.
   */
  verify(): Verdict;
  /** The same in small pages, so that a running hub goes on with its work. */
  verifyInPages(): Promise<Verdict>;
  /** Calls `listener` for each record once it is on disk, until the returned function is called. */
  onAppend(listener: (record: LedgerRecord) => void): () => void;
}

export interface LedgerDeps {
  db: HubDb;
  clock: Clock;
  /** The door's label at this moment; it is written into the record. */
  doorLabel?: (door: string) => string | undefined;
}

/** Everything of a record but its number; members that are undefined are left out. */
interface Draft {
  type: string;
  at: EpochMs;
  receivedAt: EpochMs;
  node?: string | undefined;
  epoch?: string | undefined;
  sourceSeq?: number | undefined;
  door?: string | undefined;
  label?: string | undefined;
  [name: string]: unknown;
}

/**
 * The append-only record of doors, nodes, alarms and operators in hub.db. Record i is canonical JSON
 * (RFC 8785) with hash SHA-256(hash i−1 ‖ record i); before the first stand 32 zero bytes.
 */
export function createLedger({ db, clock, doorLabel = () => undefined }: LedgerDeps): Ledger {
  const table = new LedgerTable(db);
  const listeners = new Set<(record: LedgerRecord) => void>();

  const add = (draft: Draft): LedgerRecord => {
    const head = table.head();
    const detail = withWholeCharacters({ ...draft, seq: head.seq + 1 });
    const text = canonicalJson(detail);
    const hash = chainHash(head.hash, text).toString("hex");
    table.insert({
      seq: detail.seq,
      type: draft.type,
      at: draft.at,
      received_at: draft.receivedAt,
      node: detail.node ?? null,
      epoch: detail.epoch ?? null,
      source_seq: draft.sourceSeq ?? null,
      door: detail.door ?? null,
      label: detail.label ?? null,
      record: text,
      hash,
    });
    const record = table.one(detail.seq);
    afterCommit(db, () => {
      for (const listener of listeners) listener(record);
    });
    return record;
  };

  const addInput = (input: LedgerInput): void => {
    if (table.has(input.node, input.epoch, input.seq)) return;
    const { event, node, epoch, seq: sourceSeq, receivedAt } = input;
    const { type, what, at, ...detail } = event;
    const common = { at, receivedAt, node, epoch };
    if (event.type === "door") {
      const { door, source } = event;
      const place = { ...common, door, label: doorLabel(door) };
      const gap = sourceGap(table.lastOfDoor(door, node, epoch), source);
      if (gap) add({ ...place, type: "door.gap", ...gap });
      add({ ...place, ...detail, type: `${type}.${what}`, sourceSeq });
    } else add({ ...common, ...detail, type: `${type}.${what}`, sourceSeq });
  };

  return {
    append: (inputs) => transact(db, () => inputs.forEach(addInput)),
    appendOwn: (type, at, detail) =>
      transact(db, () => add({ ...detail, type, at, receivedAt: clock.nowMs() })),
    read: (query) => table.read(query),
    verify: () => verified(table),
    verifyInPages: () => verifiedInPages(table),
    onAppend(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    },
  };
}

function verified(table: LedgerTable): Verdict {
  const check = new ChainCheck();
  for (const row of table.rows()) {
    const broken = check.next(row);
    if (broken) return broken;
  }
  return check.whole();
}

async function verifiedInPages(table: LedgerTable): Promise<Verdict> {
  const check = new ChainCheck();
  for (;;) {
    const rows = table.after(check.count, VERIFY_PAGE);
    if (rows.length === 0) return check.whole();
    for (const row of rows) {
      const broken = check.next(row);
      if (broken) return broken;
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

/**
 * What is missing between a door's last recorded event and this one. Doors count their events from 1
 * in each spool; a counter that runs backwards within one spool is reported, never smoothed over.
 */
function sourceGap(
  last: number | undefined,
  source: number,
): { from: number; to: number; missing: number | null; why: string } | undefined {
  const expected = (last ?? 0) + 1;
  if (source === expected || (last === undefined && source <= 1)) return undefined;
  if (source > expected)
    return {
      from: expected,
      to: source - 1,
      missing: source - expected,
      why: "the door counted events that never arrived",
    };
  return { from: expected, to: source, missing: null, why: "the door's counter went backwards" };
}
