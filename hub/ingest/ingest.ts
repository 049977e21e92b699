import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { ZodType } from "zod";
import type { Clock } from "../../contract/clock.ts";
import {
  type Ack,
  type Birth,
  birthSchema,
  type LiveMessage,
  liveSchema,
  type NodeStatus,
  statusSchema,
} from "../../contract/message.ts";
import { type Reading, uncertain } from "../../contract/reading.ts";
import { encodeReading, parseRow } from "../../contract/row.ts";
import type { NodeLane } from "../../contract/topic.ts";
import type { Alarms } from "../alarms/alarm-runtime.ts";
import { type HistoryStore, StoreError } from "../history/store.ts";
import type { EventSink, Ledger } from "../ledger/ledger.ts";
import type { LiveNode, LiveState } from "../live/live-state.ts";
import { BatchQueue, type QueuedReading } from "./batch-queue.ts";
import { DataLane, frameSchema } from "./data-lane.ts";
import { IdentityGate } from "./identity-gate.ts";
import { NodeClocks } from "./node-clocks.ts";
import { NodeLimits } from "./node-limits.ts";
import type { Quarantine } from "./quarantine.ts";
import { Refusals } from "./refusals.ts";
import { EARLIEST_AT, FUTURE_MS } from "./stamps.ts";
import { Writer } from "./writer.ts";

/** The most points one node may offer; a birth with more is refused whole, and the points before stay. */
export const MAX_POINTS_PER_NODE = 5_000;

export interface IngestDeps {
  store: Pick<HistoryStore, "write" | "rowsAtOnce">;
  events: EventSink & Pick<Ledger, "appendOwn">;
  alarms: Pick<Alarms, "nodeEvents">;
  live: LiveState;
  quarantine: Quarantine;
  publishAck(node: string, ack: Ack): void;
  /** Told when two machines use one node id, so that the broker can keep both out for a while. */
  onConflict?: (node: string) => void;
  clock: Clock;
  log: Logger;
}

export interface Ingest {
  /** Takes what a node published on one of its own topics. Never throws for what a node sends. */
  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void;
  /** Stores readings of a device that keeps none itself; false while there is no room for them. */
  takeOwn(node: string, epoch: string, readings: readonly Reading[]): boolean;
  /** Stores what has come in, until `signal` aborts. */
  run(signal: AbortSignal): Promise<void>;
  /** How long the oldest row that is not stored yet has waited. */
  storeLagMs(): number;
  /** Why nothing can be stored at the moment; null while all is well. */
  storeError(): string | null;
  /** True while the hub's clock differs from the clocks of all nodes that are online. */
  clockDiffers(): boolean;
  /** Rows taken that are not stored yet. */
  waiting(): number;
  /** `stored`, `refused` and `dropped` (messages not taken, sent again by their node) since the start, `quarantined` for ever. */
  totals(): { stored: number; refused: number; quarantined: number; dropped: number };
  /** Whether a node was held back within the last minute because it sends too much. */
  isLoud(node: string): boolean;
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
  /** What comes from the spool has a share of its own: a node that drains too fast is still seen live. */
  readonly #limits: { spool: NodeLimits; live: NodeLimits };
  readonly #identities: IdentityGate;
  #stored = 0;
  #dropped = 0;
  #ownSeq = 0;

  constructor(deps: IngestDeps) {
    const { live, quarantine, log } = deps;
    this.#deps = deps;
    this.#refusals = new Refusals(log);
    this.#clocks = new NodeClocks(deps);
    this.#limits = { spool: new NodeLimits(deps.clock), live: new NodeLimits(deps.clock) };
    this.#identities = new IdentityGate({ ...deps, ledger: deps.events });
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

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#writer.run(signal), this.#identities.run(this.#announce, signal)]);
  }

  waiting = (): number => this.#queue.rows;
  isLoud = (node: string): boolean =>
    this.#limits.spool.isLoud(node) || this.#limits.live.isLoud(node);
  storeLagMs = (): number => this.#writer.lagMs();
  clockDiffers = (): boolean => this.#clocks.hubDiffers();
  storeError = (): string | null => this.#writer.error ?? this.#data.error;

  totals() {
    const quarantined = this.#deps.quarantine.count();
    const refused = this.#refusals.total;
    return { stored: this.#stored, refused, quarantined, dropped: this.#dropped };
  }

  onMessage(node: string, lane: NodeLane, payload: Uint8Array): void {
    const known = this.#deps.live.node(node);
    if (known) known.lastSeenAt = this.#deps.clock.nowMs();
    // Looked at before the payload is parsed, so that a node that floods costs little.
    if (!this.#admits(node, lane, payload.length)) {
      this.#dropped += 1;
      if (known) known.heldBack += 1;
      return;
    }
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
      if (!frame) return;
      this.#limits.spool.count(node, frame.rows.length);
      this.#data.take(known, frame);
    }
  }

  /** Births and connections are always looked at: they tell two machines of one id apart. */
  #admits(node: string, lane: NodeLane, bytes: number): boolean {
    const limits = lane === "data" ? this.#limits.spool : this.#limits.live;
    if (!limits.admits(node, bytes)) return false;
    if (lane === "birth" || lane === "status") return true;
    if (this.#identities.inConflict(node)) return false;
    return lane !== "data" || (this.#identities.isTrusted(node) && this.#queue.hasRoom(node));
  }

  takeOwn(node: string, epoch: string, readings: readonly Reading[]): boolean {
    if (!this.#queue.hasRoom(node)) return false;
    const rows = readings.map((reading) => {
      this.#ownSeq += 1;
      return { node, epoch, seq: this.#ownSeq, reading };
    });
    const arrivedMs = this.#deps.clock.monoMs();
    this.#queue.push({ node, epoch, upto: this.#ownSeq, rows, arrivedMs });
    return true;
  }

  #onBirth(node: string, message: unknown): void {
    const birth = this.#checked(node, "birth", birthSchema, message);
    if (!birth) {
      const known = this.#deps.live.node(node);
      if (known && offersTooMany(message)) known.overQuota = true;
    } else if (birth.node !== node) {
      this.#refuse(node, "birth names another node", { named: birth.node });
    } else if (this.#identities.admitsBirth(birth)) this.#announce(birth);
  }

  #announce = (birth: Birth): void => {
    const refused = this.#deps.live.announce(birth);
    for (const name of refused) this.#refuse(birth.node, "point or door it may not have", { name });
  };

  #onStatus(node: string, status: NodeStatus): void {
    const { live } = this.#deps;
    const { alarms: _, ...connection } = status;
    live.status(node, this.#identities.inConflict(node) ? connection : status);
    // A last will carries the time at which it was written.
    if (status.state === "online" && live.node(node)) this.#clocks.heard(node, status.at);
  }

  #onLive(node: LiveNode, { at, rows }: LiveMessage): void {
    const { live, clock } = this.#deps;
    this.#clocks.heard(node.id, at);
    this.#limits.live.count(node.id, rows.length);
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
      else live.reading(point, withClock(reading), Math.max(0, at - reading.at));
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

function offersTooMany(message: unknown): boolean {
  if (typeof message !== "object" || message === null || !("points" in message)) return false;
  return Array.isArray(message.points) && message.points.length > MAX_POINTS_PER_NODE;
}

/** A good value of a node that does not know the time is shown as in doubt, and judged by no limit. */
function withClock(reading: Reading): Reading {
  if (reading.at >= EARLIEST_AT || reading.quality !== "good") return reading;
  return { point: reading.point, at: reading.at, ...uncertain(reading.value, "clock") };
}
