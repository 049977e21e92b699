import type { Ledger } from "../ledger/ledger.ts";
import type { LastMove } from "./door-origins.ts";

/** Records of node restarts looked through; with more since the move, it is not known. */
const MAX_STARTS = 1_000;

/** Reads a door's last move from the ledger. What a node's restart may have hidden is not known. */
export function lastMoveIn(ledger: Pick<Ledger, "read">): LastMove {
  return (door, node) => {
    const [last] = ledger.read({ type: "door", door, limit: 1 }).items;
    if (last?.type !== "door.opened" && last?.type !== "door.closed") return undefined;
    if (last.node !== node) return undefined;
    const starts = ledger.read({ type: "node.started", from: last.at, limit: MAX_STARTS });
    if (starts.next !== null || starts.items.some((start) => start.node === node)) return undefined;
    return { state: last.type === "door.opened" ? "open" : "closed", at: last.at };
  };
}
