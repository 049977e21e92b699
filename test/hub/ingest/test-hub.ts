import Database from "better-sqlite3";
import { pino } from "pino";
import type { Ack, AlarmEvent } from "../../../contract/message.ts";
import { createIngest, type Ingest } from "../../../hub/ingest/ingest.ts";
import { openQuarantine } from "../../../hub/ingest/quarantine.ts";
import { createLedger, type LedgerInput } from "../../../hub/ledger/ledger.ts";
import { openKnownNodes } from "../../../hub/live/known-nodes.ts";
import { LiveState } from "../../../hub/live/live-state.ts";
import { FakeClock } from "../../fake-clock.ts";
import { birthOf } from "../live/births.ts";
import { MemoryStore } from "./memory-store.ts";

const log = pino({ level: "silent" });

/** An ingest with a fake clock, a history in memory, and notes of what it recorded and acknowledged. */
export class TestHub {
  readonly clock = new FakeClock();
  readonly #db = new Database(":memory:");
  readonly store = new MemoryStore();
  readonly live = new LiveState({ clock: this.clock, log, known: openKnownNodes(this.#db, log) });
  readonly quarantine = openQuarantine(this.#db);
  readonly ledger = createLedger({ db: this.#db, clock: this.clock });
  readonly events: LedgerInput[] = [];
  readonly alarmEvents: AlarmEvent[] = [];
  readonly acks: [node: string, ack: Ack][] = [];
  readonly ingest: Ingest;
  /** Thrown instead of recording events, while set. */
  ledgerFailure: Error | undefined;
  readonly #stop = new AbortController();
  readonly #running: Promise<void>;

  constructor({ rowsAtOnce }: { rowsAtOnce?: number } = {}) {
    const { store } = this;
    this.ingest = createIngest({
      store: rowsAtOnce ? { rowsAtOnce, write: (rows) => store.write(rows) } : store,
      events: {
        append: (inputs) => {
          if (this.ledgerFailure) throw this.ledgerFailure;
          this.events.push(...inputs);
        },
        appendOwn: (type, at, detail) => this.ledger.appendOwn(type, at, detail),
      },
      alarms: { nodeEvents: (_node, _epoch, events) => this.alarmEvents.push(...events) },
      live: this.live,
      quarantine: this.quarantine,
      publishAck: (node, ack) => this.acks.push([node, ack]),
      clock: this.clock,
      log,
    });
    this.#running = this.ingest.run(this.#stop.signal);
  }

  join(node: string, points: string[], doors: string[] = []): void {
    this.send(node, "birth", birthOf(node, points, doors));
    this.send(node, "status", { v: 1, state: "online", session: 1, at: 1 });
  }

  send(node: string, lane: "birth" | "status" | "live" | "data", message: unknown): void {
    this.sendText(node, lane, JSON.stringify(message));
  }

  sendText(node: string, lane: "birth" | "status" | "live" | "data", text: string): void {
    this.ingest.onMessage(node, lane, Buffer.from(text));
  }

  /** Sends spool rows from sequence `first` on; lets half a second pass, in which they are stored. */
  async data(node: string, first: number, rows: unknown[], frame: object = {}): Promise<void> {
    this.send(node, "data", { epoch: "epoch-1", floor: 1, first, rows, ...frame });
    await this.settle();
  }

  settle = (ms = 500): Promise<void> => this.clock.advance(ms);

  /** The newest acknowledgement of a node. */
  acked(node: string): number | undefined {
    return this.acks.filter(([id]) => id === node).at(-1)?.[1].upto;
  }

  quarantined(): [node: string, why: string, row: string][] {
    return this.quarantine.list({ limit: 100 }).map(({ node, why, row }) => [node, why, row]);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }
}
