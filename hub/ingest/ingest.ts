import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { ZodType } from "zod";
import type { Clock } from "../../contract/clock.ts";
import {
  type Ack,
  birthSchema,
  type LiveMessage,
  liveSchema,
  type NodeStatus,
  statusSchema,
} from "../../contract/message.ts";
import { encodeReading, parseRow } from "../../contract/row.ts";
import type { NodeLane } from "../../contract/topic.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import { type HistoryStore, StoreError } from "../history/store.ts";
import type { EventSink } from "../ledger/ledger.ts";
import type { LiveNode, LiveState } from "../live/live-state.ts";
import { BatchQueue, type QueuedReading } from "./batch-queue.ts";
import { DataLane, FUTURE_MS, frameSchema } from "./data-lane.ts";
import { NodeClocks } from "./node-clocks.ts";
import type { Quarantine } from "./quarantine.ts";
import { Refusals } from "./refusals.ts";
import { Writer } from "./writer.ts";

export interface IngestDeps {
  store: Pick<HistoryStore, "write">;
  events: EventSink;
  alarms: Pick<Alarms, "nodeEvents">;
  live: LiveState;
  quarantine: Quarantine;
  publishAck(node: string, ack: Ack): void;
  clock: Clock;
  log: Logger;
}

export interface Ingest {
  /** Takes what a node published on one of its own topics. Never throws for what a node sends. */
  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void;
  /** Stores what has come in, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** How long the oldest row that is not stored yet has waited. */
  storeLagMs(): number;
  /** Why nothing can be stored at the moment; null while all is well. */
  storeError(): string | null;
  /** True while the hub's clock differs from the clocks of all nodes that are online. */
  clockDiffers(): boolean;
  /** `stored` and `refused` since the start, `quarantined` for ever. */
  totals(): { stored: number; refused: number; quarantined: number };
}

/** From a node's message to live state, history, ledger and acknowledgement. */
export function createIngest(deps: IngestDeps): Ingest {
  return new MessageIngest(deps);
}

class MessageIngest implements Ingest {
  readonly #deps: IngestDeps;
  readonly #refusals: Refusals;
  readonly #queue = new BatchQueue();
  readonly #data: DataLane;
  readonly #writer: Writer;
  readonly #clocks: NodeClocks;
  #stored = 0;

  constructor(deps: IngestDeps) {
    const { live, quarantine, log } = deps;
    this.#deps = deps;
    this.#refusals = new Refusals(log);
    this.#clocks = new NodeClocks(deps);
    this.#data = new DataLane({
      ...deps,
      clocks: this.#clocks,
      queue: this.#queue,
      refuse: this.#refuse,
    });
    this.#writer = new Writer({
      ...deps,
      queue: this.#queue,
      setAside: this.#setAside,
      onStored: this.#onStored,
    });
    for (const node of live.nodes()) node.quarantined = quarantine.countByNode(node.id);
  }

  run = (signal: AbortSignal): Promise<void> => this.#writer.run(signal);
  storeLagMs = (): number => this.#writer.lagMs();
  clockDiffers = (): boolean => this.#clocks.hubDiffers();
  storeError = (): string | null => this.#writer.error ?? this.#data.error;

  totals() {
    const quarantined = this.#deps.quarantine.count();
    return { stored: this.#stored, refused: this.#refusals.total, quarantined };
  }

  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void {
    const known = this.#deps.live.node(node);
    if (known) known.lastSeenAt = this.#deps.clock.nowMs();
    // Looked at before the payload is parsed, so that a node that floods costs little.
    if (lane === "data" && !this.#queue.hasRoom(node)) return;
    const message = parseJson(payload);
    if (message === undefined) {
      this.#refuse(node, `${lane} is not JSON`);
    } else if (lane === "birth") {
      this.#onBirth(node, message);
    } else if (lane === "status") {
      const status = this.#checked(node, lane, statusSchema, message);
      if (status) this.#onStatus(node, status);
    } else if (!known) {
      // Nothing says what its points are. Its spool keeps the rows until it has announced itself.
      this.#refuse(node, "readings before a birth");
    } else if (lane === "live") {
      const frame = this.#checked(node, lane, liveSchema, message);
      if (frame) this.#onLive(known, frame);
    } else {
      const frame = this.#checked(node, lane, frameSchema, message);
      if (frame) this.#data.take(known, frame);
    }
  }

  #onBirth(node: string, message: unknown): void {
    const birth = this.#checked(node, "birth", birthSchema, message);
    if (!birth) return;
    if (birth.node !== node) {
      this.#refuse(node, "birth names another node", { named: birth.node });
      return;
    }
    const refused = this.#deps.live.announce(birth);
    for (const name of refused) this.#refuse(node, "point or door it may not have", { name });
  }

  #onStatus(node: string, status: NodeStatus): void {
    const { live } = this.#deps;
    live.status(node, status);
    // A last will carries the time at which it was written.
    if (status.state === "online" && live.node(node)) this.#clocks.heard(node, status.at);
  }

  #onLive(node: LiveNode, { at, rows }: LiveMessage): void {
    const { live, clock } = this.#deps;
    this.#clocks.heard(node.id, at);
    // A hub whose own time is wrong must not go blind.
    const latest = FUTURE_MS + (this.#clocks.hubIsBehindBy(FUTURE_MS) ? at : clock.nowMs());
    for (const raw of rows) {
      const row = parseRow(raw);
      if (row.kind === "refused") this.#refuse(node.id, `live row: ${row.why}`);
      if (row.kind !== "reading") continue;
      const { reading } = row;
      const point = live.point(reading.point);
      if (point?.node !== node.id) this.#refuse(node.id, "live row of a point it does not have");
      else if (reading.at > latest) this.#refuse(node.id, "live row from the future");
      else live.reading(point, reading, Math.max(0, at - reading.at));
    }
  }

  #checked<T>(node: string, lane: NodeLane, schema: ZodType<T>, message: unknown): T | undefined {
    const result = schema.safeParse(message);
    if (result.success) return result.data;
    const issue = result.error.issues[0];
    this.#refuse(node, `${lane} not understood`, {
      where: issue?.path.join("."),
      allowed: issue?.message,
    });
    return undefined;
  }

  #refuse = (node: string, why: string, detail?: Record<string, unknown>): void => {
    this.#refusals.note(node, why, detail);
    const known = this.#deps.live.node(node);
    if (known) known.refused += 1;
  };

  #setAside = (rows: readonly QueuedReading[], why: string): void => {
    const { quarantine, live, clock } = this.#deps;
    const receivedAt = clock.nowMs();
    try {
      quarantine.add(
        rows.map(({ node, epoch, seq, reading }) => ({
          node,
          epoch,
          seq,
          receivedAt,
          why,
          row: encodeReading(reading),
        })),
      );
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      throw new StoreError("retry", `hub.db: ${error.message}`);
    }
    for (const id of new Set(rows.map(({ node }) => node))) {
      const node = live.node(id);
      if (node) node.quarantined = quarantine.countByNode(id);
    }
  };

  #onStored = (node: string, rows: number): void => {
    this.#stored += rows;
    const known = this.#deps.live.node(node);
    if (known) known.stored += rows;
  };
}

/** The value, or undefined when it is not JSON. */
function parseJson(payload: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.length).toString());
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
