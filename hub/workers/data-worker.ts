import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { nodeTopic } from "../../contract/topic.ts";
import type { Closers } from "../closers.ts";
import { type ExternalBroker, startExternalBroker } from "../external-broker/external-broker.ts";
import { HUB_CLIENT_PREFIX } from "../external-broker/mosquitto-config.ts";
import type { ExternalTarget } from "../external-broker/target.ts";
import { floorTo, HOUR_MS } from "../history/aggregate.ts";
import { Coverage } from "../history/coverage.ts";
import { markingWrites } from "../history/marking-store.ts";
import type { HistoryStore } from "../history/store.ts";
import { createIngest, type Ingest } from "../ingest/ingest.ts";
import { openQuarantine } from "../ingest/quarantine.ts";
import { createLedger } from "../ledger/ledger.ts";
import { openKnownNodes } from "../live/known-nodes.ts";
import { LiveState } from "../live/live-state.ts";
import type { HubDb } from "../state/hub-db.ts";
import { partitionOf } from "./partitions.ts";
import { WORKER_PERIOD_MS, WorkerNode } from "./worker-node.ts";

export interface DataWorkerDeps {
  worker: string;
  target: ExternalTarget;
  db: HubDb;
  store: HistoryStore;
  clock: Clock;
  log: Logger;
  closers: Closers;
}

/**
 * Stores what the nodes of some partitions send, and acknowledges it. Two of them with the same node do no
 * harm: each acknowledges only what it has stored itself without a gap from the node's own floor on.
 */
export class DataWorker {
  readonly #deps: DataWorkerDeps;
  readonly #live: LiveState;
  readonly #ingest: Ingest;
  readonly #broker: ExternalBroker;
  readonly #self: WorkerNode;
  #partitions: ReadonlySet<number> = new Set();
  #nodes: ReadonlySet<string> = new Set();

  constructor(deps: DataWorkerDeps) {
    const { worker, target, db, store, clock, log, closers } = deps;
    this.#deps = deps;
    const bootId = randomUUID();
    this.#self = new WorkerNode(worker, bootId, clock.nowMs());
    // The leading hub says who comes and goes, and remembers it.
    const quiet = log.child({}, { level: "warn" });
    const known = { ...openKnownNodes(db, log), save: () => undefined, remove: () => undefined };
    this.#live = new LiveState({ clock, log: quiet, known });
    const doorLabel = (door: string) => this.#live.door(door)?.info.label;
    this.#ingest = createIngest({
      store: markingWrites(store, sharedCoverage(new Coverage(db), clock)),
      events: createLedger({ db, clock, doorLabel }),
      // The leading hub reads them in the ledger.
      alarms: { nodeEvents: () => undefined },
      live: this.#live,
      quarantine: openQuarantine(db),
      publishAck: (node, ack) =>
        this.#broker.publish(nodeTopic(node, "ack"), JSON.stringify(ack), { qos: 1 }),
      clock,
      log,
    });
    this.#broker = startExternalBroker({
      target,
      clientId: `${HUB_CLIENT_PREFIX}${worker}-data-${bootId}`,
      lanes: ["birth", "status"],
      share: shareName(db),
      will: () => this.#self.will(clock.nowMs()),
      clock,
      log,
      onMessage: (node, lane, payload) => {
        this.#ingest.onMessage(node, lane, payload);
        if (lane === "birth") this.#onBirth(node);
      },
      onNodeGone: (node) => this.#live.gone(node),
      onConnected: () => this.#self.announce(this.#publish, clock.nowMs()),
    });
    closers.add("worker's broker", () => this.#broker.close());
    closers.add("worker's farewell", () =>
      this.#self.status(this.#publish, clock.nowMs(), "offline"),
    );
  }

  /** Rejects when the broker cannot share messages; never resolves. */
  get unfit(): Promise<never> {
    return this.#broker.unfit;
  }

  run(signal: AbortSignal): Promise<unknown> {
    return Promise.all([this.#ingest.run(signal), this.#report(signal)]);
  }

  async hold(partitions: ReadonlySet<number>): Promise<void> {
    this.#partitions = partitions;
    await this.#share();
  }

  #onBirth(node: string): void {
    if (this.#nodes.has(node) || !this.#partitions.has(partitionOf(node))) return;
    this.#share().catch((error: unknown) =>
      this.#deps.log.error({ node, error }, "node's data not asked for"),
    );
  }

  async #share(): Promise<void> {
    const mine = [...this.#live.nodes()]
      .map(({ id }) => id)
      .filter((id) => this.#partitions.has(partitionOf(id)));
    this.#nodes = new Set(mine);
    await this.#broker.shareDataOf(this.#nodes);
  }

  async #report(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    while (!signal.aborted) {
      this.#self.figures(this.#publish, clock.nowMs(), {
        storeError: this.#ingest.storeError(),
        storeLagMs: this.#ingest.storeLagMs(),
        stored: this.#ingest.totals().stored,
        partitions: this.#partitions.size,
      });
      await clock.sleep(WORKER_PERIOD_MS, signal);
    }
  }

  readonly #publish = (
    topic: string,
    payload: string,
    options: { retain?: boolean; qos?: 0 | 1 },
  ): void => this.#broker.publish(topic, payload, options);
}

/** Made once for all workers of a site; nobody outside hub.db knows it. */
function shareName(db: HubDb): string {
  db.exec(`CREATE TABLE IF NOT EXISTS share_name (
    id INTEGER PRIMARY KEY CHECK (id = 1), name TEXT NOT NULL
  ) STRICT`);
  db.prepare("INSERT OR IGNORE INTO share_name VALUES (1, ?)").run(`plenum-${randomUUID()}`);
  return db.prepare<[], string>("SELECT name FROM share_name").pluck().get() ?? "";
}

/**
 * Another process takes dirty hours up, five minutes after their end, and this one does not hear of it:
 * late rows are therefore marked each time, and only those of the present hour are remembered as marked.
 */
function sharedCoverage(coverage: Coverage, clock: Clock): Pick<Coverage, "mark"> {
  return {
    mark(readings) {
      const hour = floorTo(clock.nowMs(), HOUR_MS);
      if (readings.some(({ reading }) => reading.at < hour)) coverage.forget();
      coverage.mark(readings);
    },
  };
}
