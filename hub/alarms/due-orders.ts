import type { AlarmState, Command } from "../../contract/alarm/engine.ts";
import type { EpochMs } from "../../contract/clock.ts";
import { orderSchema } from "../../contract/message.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";

/** Orders a node has not confirmed; of more, the oldest is no longer repeated. */
export const MAX_DUE = 2_000;
/** A node that has been away for longer has been set up anew since, or is gone. */
const KEPT_MS = 7 * 86_400_000;

/** Orders that undo one another are of one kind: only the newest of a kind counts. */
const KINDS: Record<Command["do"], string> = {
  ...{ acknowledge: "ack", reset: "reset", shelve: "shelf", unshelve: "shelf" },
  ...{ suppress: "suppression", unsuppress: "suppression" },
  ...{ "out-of-service": "service", "in-service": "service" },
};
/** The change by which a node's own event confirms an order of a kind. */
const CONFIRMED_BY: Record<string, string> = {
  ...{ acknowledged: "ack", reset: "reset", shelved: "shelf", unshelved: "shelf" },
  ...{ suppressed: "suppression", unsuppressed: "suppression" },
  ...{ "out-of-service": "service", "in-service": "service" },
};

export interface DueOrder {
  node: string;
  rule: string;
  subject: string;
  order: Command;
  /** The hub's occurrence it was given for. */
  occurrence: number;
  at: EpochMs;
}

interface Row {
  node: string;
  rule: string;
  subject: string;
  kind: string;
  order_text: string;
  occurrence: number;
  at: number;
}

/** Orders sent to nodes that have not said yet that they carried them out. Read from memory. */
export class DueOrders {
  readonly #due = new Map<string, DueOrder>();
  readonly #upsert;
  readonly #remove;

  constructor(db: HubDb) {
    db.exec(`CREATE TABLE IF NOT EXISTS node_order (
      node TEXT NOT NULL, rule TEXT NOT NULL, subject TEXT NOT NULL, kind TEXT NOT NULL,
      order_text TEXT NOT NULL, occurrence INTEGER NOT NULL, at INTEGER NOT NULL,
      PRIMARY KEY (node, rule, subject, kind)
    ) STRICT, WITHOUT ROWID`);
    this.#upsert = db.prepare<Row>(`INSERT OR REPLACE INTO node_order VALUES
      (@node, @rule, @subject, @kind, @order_text, @occurrence, @at)`);
    this.#remove = db.prepare<[string, string, string, string]>(
      "DELETE FROM node_order WHERE node = ? AND rule = ? AND subject = ? AND kind = ?",
    );
    for (const row of db.prepare<[], Row>("SELECT * FROM node_order ORDER BY at").all()) {
      const order = orderSchema.safeParse(JSON.parse(row.order_text)).data;
      if (order) this.#due.set(keyOf(row, row.kind), { ...row, order });
    }
  }

  /** Takes the place of an earlier order of the same kind. A failing disk only loses it at a restart. */
  note(due: DueOrder): void {
    const kind = KINDS[due.order.do];
    const key = keyOf(due, kind);
    this.#due.delete(key);
    this.#due.set(key, due);
    const { node, rule, subject, occurrence, at } = due;
    const order_text = JSON.stringify(due.order);
    this.#write(() => this.#upsert.run({ node, rule, subject, kind, order_text, occurrence, at }));
    for (const oldest of this.#due.values()) {
      if (this.#due.size <= MAX_DUE) break;
      this.done(oldest);
    }
  }

  /** The node reports a change; true when it confirms an order. */
  confirmed(of: Pick<DueOrder, "node" | "rule" | "subject">, change: string): boolean {
    const kind = CONFIRMED_BY[change];
    return kind !== undefined && this.#drop(of, kind);
  }

  done(due: DueOrder): void {
    this.#drop(due, KINDS[due.order.do]);
  }

  /** Orders a node has not confirmed, the oldest first. */
  of(node: string, now: EpochMs): DueOrder[] {
    const mine = [...this.#due.values()].filter((due) => due.node === node);
    const [fresh, old] = [[] as DueOrder[], [] as DueOrder[]];
    for (const due of mine) (now - due.at > KEPT_MS ? old : fresh).push(due);
    for (const due of old) this.done(due);
    return fresh;
  }

  #drop(of: Pick<DueOrder, "node" | "rule" | "subject">, kind: string): boolean {
    if (!this.#due.delete(keyOf(of, kind))) return false;
    this.#write(() => this.#remove.run(of.node, of.rule, of.subject, kind));
    return true;
  }

  #write(work: () => void): void {
    try {
      work();
    } catch (error) {
      // The alarm log tells of the failing disk; an order repeated once too often changes nothing.
      if (!isStorageFault(error)) throw error;
    }
  }
}

const keyOf = (
  { node, rule, subject }: Pick<DueOrder, "node" | "rule" | "subject">,
  kind: string,
) => JSON.stringify([node, rule, subject, kind]);

/** Characters of a name or reason in an order that a node takes. */
const ORDER_TEXT = 120;

/** The same order with its texts no longer than a node takes; a longer one it would not carry out. */
export function cutForNode(order: Command): Command {
  const cut = { ...order, by: order.by.slice(0, ORDER_TEXT) };
  return "reason" in cut ? { ...cut, reason: cut.reason.slice(0, ORDER_TEXT) } : cut;
}

/** Whether an order still says what is so at the hub; `into`: the hub's occurrence that stands on the node. */
export function holds(
  state: AlarmState,
  { order, occurrence }: DueOrder,
  into?: number | null,
): boolean {
  switch (order.do) {
    case "acknowledge":
    case "reset":
      // A later occurrence is one that nobody has seen.
      return occurrence === state.count && into === occurrence;
    case "shelve":
      return state.shelved?.until === order.until;
    case "unshelve":
      return state.shelved === null;
    case "suppress":
      return state.suppressed !== null;
    case "unsuppress":
      return state.suppressed === null;
    case "out-of-service":
      return state.outOfService !== null;
    case "in-service":
      return state.outOfService === null;
  }
}
