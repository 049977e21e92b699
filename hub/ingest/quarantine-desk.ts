import type { Clock } from "../../contract/clock.ts";
import { parseRow } from "../../contract/row.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import { type HistoryStore, StoreError } from "../history/store.ts";
import type { Ledger, LedgerInput } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import type { HubDb } from "../state/hub-db.ts";
import { transact } from "../state/transaction.ts";
import type { QueuedReading } from "./batch-queue.ts";
import type { Quarantine, QuarantineChoice, QuarantineItem } from "./quarantine.ts";
import { whyNotEvent, whyNotReading } from "./row-rules.ts";

/** Rows released or dropped by one order; ask again for the rest. */
export const MAX_PER_ORDER = 500;
const CUT = "only its beginning was kept, so it cannot be judged again";

export interface DeskDeps {
  db: HubDb;
  quarantine: Quarantine;
  live: Pick<LiveState, "owner" | "door" | "node">;
  /** The same store the ingest writes to. */
  store: Pick<HistoryStore, "write">;
  ledger: Pick<Ledger, "append" | "appendOwn">;
  alarms: Pick<Alarms, "nodeEvents">;
  clock: Clock;
}

export interface Released {
  /** Rows that are stored now. */
  released: number;
  /** Rows that stay, with today's reason. */
  kept: { id: number; why: string }[];
  /** More rows fit the choice than one order takes. */
  more: boolean;
}

interface Judged {
  readings: (QueuedReading & { id: number })[];
  events: (LedgerInput & { id: number })[];
  kept: { id: number; why: string }[];
}

/** Where a person lets rows out of quarantine or throws them away. Every order stands in the ledger. */
export class QuarantineDesk {
  readonly #deps: DeskDeps;

  constructor(deps: DeskDeps) {
    this.#deps = deps;
  }

  /**
   * Judges rows again by today's rules and stores those that pass; done twice, a row is stored once.
   * Rejects with StoreError while the history takes nothing; then nothing has changed.
   */
  async release(choice: QuarantineChoice, by: string): Promise<Released> {
    const { db, quarantine, ledger, clock } = this.#deps;
    const { items, more } = this.#chosen(choice);
    const judged = this.#judge(items);
    await this.#storeReadings(judged);
    const freed = [...judged.readings, ...judged.events];
    transact(db, () => {
      ledger.append(judged.events.map(({ id: _, ...input }) => input));
      quarantine.remove(freed.map(({ id }) => id));
      for (const { id, why } of judged.kept) quarantine.keep(id, why);
      if (items.length === 0) return;
      const detail = { by, rows: spans(freed), released: freed.length, kept: judged.kept.length };
      ledger.appendOwn("quarantine.released", clock.nowMs(), detail);
    });
    this.#hearAlarms(judged.events);
    return { released: freed.length, kept: judged.kept, more };
  }

  /** Throws rows away. Events among them are evidence: their text goes into the ledger. */
  drop(choice: QuarantineChoice, by: string, reason: string): { dropped: number; more: boolean } {
    const { db, quarantine, ledger, clock } = this.#deps;
    const { items, more } = this.#chosen(choice);
    if (items.length === 0) return { dropped: 0, more };
    const events = items.filter(({ row }) => row.startsWith("{")).map(({ row }) => row);
    const dropped = transact(db, () => {
      const detail = { by, reason, rows: spans(items), dropped: items.length, events };
      ledger.appendOwn("quarantine.dropped", clock.nowMs(), detail);
      return quarantine.remove(items.map(({ id }) => id));
    });
    return { dropped, more };
  }

  #chosen(choice: QuarantineChoice): { items: QuarantineItem[]; more: boolean } {
    const items = this.#deps.quarantine.list({ ...choice, limit: MAX_PER_ORDER + 1 });
    return { items: items.slice(0, MAX_PER_ORDER).reverse(), more: items.length > MAX_PER_ORDER };
  }

  #judge(items: readonly QuarantineItem[]): Judged {
    const { live, clock } = this.#deps;
    const now = clock.nowMs();
    const judged: Judged = { readings: [], events: [], kept: [] };
    for (const { id, node, epoch, seq, receivedAt, row: text } of items) {
      const row = rowOf(text);
      const at = { id, node, epoch, seq };
      if (row.kind === "reading") {
        const why = whyNotReading(live, node, row.reading, now);
        if (why === undefined) judged.readings.push({ ...at, reading: row.reading });
        else judged.kept.push({ id, why });
      } else if (row.kind === "event") {
        const why = whyNotEvent(live, node, row.event);
        if (why === undefined) judged.events.push({ ...at, receivedAt, event: row.event });
        else judged.kept.push({ id, why });
      } else judged.kept.push({ id, why: row.kind === "refused" ? row.why : "is no row" });
    }
    return judged;
  }

  /** Rows that the store refuses for ever move over to those that stay. */
  async #storeReadings(judged: Judged): Promise<void> {
    while (judged.readings.length > 0) {
      try {
        await this.#deps.store.write(judged.readings);
        return;
      } catch (error) {
        if (!(error instanceof StoreError) || error.poison.length === 0) throw error;
        const poison = new Set(error.poison);
        const refused = judged.readings.filter((_, index) => poison.has(index));
        judged.kept.push(...refused.map(({ id }) => ({ id, why: error.message })));
        judged.readings = judged.readings.filter((_, index) => !poison.has(index));
      }
    }
  }

  #hearAlarms(events: Judged["events"]): void {
    const { alarms, live } = this.#deps;
    for (const { node: id, epoch, event } of events) {
      const node = live.node(id);
      if (event.type === "alarm" && node) alarms.nodeEvents(node, epoch, [event]);
    }
  }
}

function rowOf(text: string): ReturnType<typeof parseRow> {
  try {
    return parseRow(JSON.parse(text));
  } catch (error) {
    if (error instanceof SyntaxError) return { kind: "refused", why: CUT };
    throw error;
  }
}

/** Which rows, short: `"<node> <epoch>": "1-40, 77"`. */
function spans(rows: readonly { node: string; epoch: string; seq: number }[]) {
  const bySpool = new Map<string, number[]>();
  for (const { node, epoch, seq } of rows) {
    const name = `${node} ${epoch}`;
    bySpool.set(name, [...(bySpool.get(name) ?? []), seq]);
  }
  return Object.fromEntries([...bySpool].map(([name, seqs]) => [name, spanText(seqs)]));
}

function spanText(seqs: number[]): string {
  const found: [from: number, to: number][] = [];
  for (const seq of seqs.sort((a, b) => a - b)) {
    const last = found.at(-1);
    if (last && seq <= last[1] + 1) last[1] = seq;
    else found.push([seq, seq]);
  }
  return found.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}
