import { z } from "zod";
import type { LedgerRecord } from "../../contract/api.ts";
import type { Clock } from "../../contract/clock.ts";
import { type AlarmEvent, type DoorEvent, eventSchema } from "../../contract/message.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LiveNode } from "../live/live-state.ts";
import { type HubDb, isStorageFault } from "../state/hub-db.ts";

const LOOK_MS = 500;
const PAGE = 500;
/** At the first start ever: a door or alarm older than the newest so many records is history. */
const FIRST_LOOK_BACK = 10_000;

export interface TailDeps {
  db: HubDb;
  ledger: Pick<Ledger, "read">;
  live: { node(id: string): LiveNode | undefined; doorEvent(node: string, event: DoorEvent): void };
  alarms: {
    nodeEvents(node: LiveNode, epoch: string, events: readonly AlarmEvent[]): void;
  };
  clock: Clock;
}

/**
 * Tells the alarms what other workers have written into the ledger for nodes: doors, and alarms that nodes
 * judge themselves. How far it has come is on disk, so that whoever takes over goes on from there; what is
 * told twice changes nothing.
 */
export async function runLedgerTail(deps: TailDeps, signal: AbortSignal): Promise<void> {
  const { db, ledger, clock } = deps;
  db.exec(`CREATE TABLE IF NOT EXISTS ledger_tail (
    id INTEGER PRIMARY KEY CHECK (id = 1), seq INTEGER NOT NULL
  ) STRICT`);
  const load = db.prepare<[], number>("SELECT seq FROM ledger_tail").pluck();
  const save = db.prepare(
    "INSERT INTO ledger_tail VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET seq = excluded.seq",
  );
  let seen = load.get() ?? Math.max(0, newestOf(ledger) - FIRST_LOOK_BACK);
  while (!signal.aborted) {
    const { items } = ledger.read({ cursor: seen, order: "oldest", limit: PAGE });
    for (const record of items) tell(record, deps);
    const last = items.at(-1)?.seq;
    if (last !== undefined) {
      seen = last;
      sparingly(() => save.run(seen));
    }
    if (items.length < PAGE) await clock.sleep(LOOK_MS, signal);
  }
}

/** Not saved now, it is saved with the next record; until then a successor hears some records twice. */
function sparingly(save: () => void): void {
  try {
    save();
  } catch (error) {
    if (!isStorageFault(error)) throw error;
  }
}

function newestOf(ledger: Pick<Ledger, "read">): number {
  return ledger.read({ limit: 1 }).items[0]?.seq ?? 0;
}

const originSchema = z.object({ epoch: z.string(), sourceSeq: z.number() });

function tell({ type, at, node: id, detail }: LedgerRecord, { live, alarms }: TailDeps): void {
  const origin = originSchema.safeParse(detail);
  const node = id === null ? undefined : live.node(id);
  if (!origin.success || !node) return;
  const [kind, ...what] = type.split(".");
  const event = eventSchema.safeParse({ ...detail, type: kind, what: what.join("."), at });
  if (!event.success) return;
  if (event.data.type === "door") live.doorEvent(node.id, event.data);
  if (event.data.type === "alarm") alarms.nodeEvents(node, origin.data.epoch, [event.data]);
}
