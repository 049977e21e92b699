import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import type { Birth, DoorEvent, DoorInfo, NodeStatus, PointInfo } from "../../contract/message.ts";
import { type Reading, staleAfterMs } from "../../contract/reading.ts";
import { Catalogue } from "./catalogue.ts";
import { DoorOrigins, type LastMove } from "./door-origins.ts";
import type { KnownNodes } from "./known-nodes.ts";

/** A point as the hub knows it now. The object is changed in place. */
export interface LivePoint {
  info: PointInfo;
  node: string;
  /** The newest reading of the live lane; null until one has come. */
  reading: Reading | null;
  /** The hub's wall clock when it arrived. */
  receivedAt: EpochMs | null;
  /** How old it already was, by the node's own clock, when the node sent it. */
  ageOnArrivalMs: number;
}

/** The object is changed in place. `stored` and `refused` count since the hub started. */
export interface LiveNode {
  id: string;
  birth: Birth;
  online: boolean;
  /** Since when it is online or offline, by the hub's clock. */
  since: EpochMs;
  lastSeenAt: EpochMs;
  status: NodeStatus | null;
  stored: number;
  refused: number;
  quarantined: number;
  /** Messages not taken since the hub started; the node sends its rows again. */
  heldBack: number;
  /** By how much its clock is ahead of the hub's, by its newest message; null before one. */
  skewMs: number | null;
  /** Its newest birth offers more names than it may have. */
  overQuota: boolean;
  /** Two machines use its id; nothing of either is taken. */
  inConflict: boolean;
}

/** `state` is the last word heard; `LiveState.doorNow` says whether it still holds. */
export interface LiveDoor {
  info: DoorInfo;
  node: string;
  state: "open" | "closed" | "unknown";
  /** When it came into this state, by the node's clock; null when nobody saw it move. */
  since: EpochMs | null;
  /** The newest evidence, by the node's clock. */
  at: EpochMs | null;
}

export type LiveChange =
  | { kind: "point"; point: LivePoint }
  | { kind: "node"; node: LiveNode }
  | { kind: "door"; door: LiveDoor }
  /** Nobody offers these points and doors any more; `node` is set when the node itself was forgotten. */
  | { kind: "withdrawn"; names: readonly string[]; node: string | null };

/** The most nodes the hub keeps; a further one is refused and logged. */
export const MAX_NODES = 500;
/** A door event older than this tells of the past, not of the door now. */
const DOOR_EVENT_FRESH_MS = 30_000;
const CONTACT_SUFFIX = ".open";

export interface LiveDeps {
  clock: Clock;
  log: Logger;
  /** Where births survive a restart of the hub. */
  known: KnownNodes;
  /** The last move of a door on record; undefined when none is, or it may have moved unseen since. */
  lastMove?: LastMove;
}

/** What every node, point and door shows now. Only the live lane and fresh door events change it. */
export class LiveState {
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #known: KnownNodes;
  readonly #nodes = new Map<string, LiveNode>();
  readonly #catalogue: Catalogue;
  readonly #doorOrigins: DoorOrigins;
  /** Points of a node that has restarted: its clock may be behind what is shown, so any time will do. */
  readonly #anyOrder = new Set<string>();
  /** Statuses of nodes that have not announced themselves yet; beyond `MAX_NODES` they are dropped. */
  readonly #early = new Map<string, NodeStatus>();
  readonly #listeners = new Set<(change: LiveChange) => void>();

  constructor({ clock, log, known, lastMove = () => undefined }: LiveDeps) {
    this.#catalogue = new Catalogue(() => clock.monoMs());
    this.#doorOrigins = new DoorOrigins(lastMove);
    this.#clock = clock;
    this.#log = log;
    this.#known = known;
    for (const { birth, retired, online, since, lastSeenAt } of known.load()) {
      const node = newNode(birth, lastSeenAt);
      node.since = online ? clock.nowMs() : since;
      this.#nodes.set(node.id, node);
      this.#catalogue.restoreRetired(node.id, retired);
      this.#catalogue.adopt(birth);
    }
    this.#catalogue.countNames();
  }

  point = (id: string): LivePoint | undefined => this.#catalogue.points.get(id);
  points = (): Iterable<LivePoint> => this.#catalogue.points.values();
  node = (id: string): LiveNode | undefined => this.#nodes.get(id);
  nodes = (): Iterable<LiveNode> => this.#nodes.values();
  door = (id: string): LiveDoor | undefined => this.#catalogue.doors.get(id);
  doors = (): Iterable<LiveDoor> => this.#catalogue.doors.values();

  /** Whose the rows of a point are when they come from `node`. `mine` also for points it offered before. */
  owner(node: string, point: string): "mine" | "foreign" | "unknown" {
    return this.#catalogue.owner(node, point);
  }

  /** Time since the newest reading arrived, plus its age on arrival. Null without a reading. */
  ageMs(point: LivePoint, now: EpochMs): number | null {
    if (point.receivedAt === null) return null;
    return Math.max(0, now - point.receivedAt) + point.ageOnArrivalMs;
  }

  isStale(point: LivePoint, now: EpochMs): boolean {
    const ageMs = this.ageMs(point, now);
    return ageMs === null || ageMs > staleAfterMs(point.info.periodMs);
  }

  /** The door's state while its node is there and its contact is being read; otherwise `unknown`. */
  doorNow(door: LiveDoor, now: EpochMs): LiveDoor["state"] {
    if (!this.#nodes.get(door.node)?.online) return "unknown";
    const contact = this.point(door.info.id + CONTACT_SUFFIX);
    return contact && this.isStale(contact, now) ? "unknown" : door.state;
  }

  /** Calls `listener` after every change until the returned function is called. */
  onChange(listener: (change: LiveChange) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Takes a node's announcement. Returns the names of what it may not have. */
  announce(birth: Birth): string[] {
    const held = this.#nodes.get(birth.node);
    if (!held && this.#nodes.size >= MAX_NODES) {
      this.#log.error({ node: birth.node, limit: MAX_NODES }, "too many nodes, node refused");
      return [birth.node];
    }
    const node = held ?? newNode(birth, this.#clock.nowMs());
    const restarted = node.birth.bootId !== birth.bootId || node.birth.epoch !== birth.epoch;
    node.birth = birth;
    node.lastSeenAt = this.#clock.nowMs();
    this.#nodes.set(node.id, node);
    const { refused, withdrawn, overQuota } = this.#catalogue.adopt(birth);
    node.overQuota = overQuota;
    if (restarted) for (const { id } of birth.points) this.#anyOrder.add(id);
    this.#save(node);
    const early = this.#early.get(node.id);
    this.#early.delete(node.id);
    if (early) this.status(node.id, early);
    else this.#emit({ kind: "node", node });
    if (withdrawn.length > 0) this.#emit({ kind: "withdrawn", names: withdrawn, node: null });
    return refused;
  }

  /** Forgets a node and all it offered; false when it is online or not known. */
  forget(id: string): boolean {
    const node = this.#nodes.get(id);
    if (!node || node.online) return false;
    this.#known.remove(id);
    this.#nodes.delete(id);
    const names = this.#catalogue.forget(id);
    for (const { id: point } of node.birth.points) this.#anyOrder.delete(point);
    this.#log.info({ node: id }, "node forgotten");
    this.#emit({ kind: "withdrawn", names, node: id });
    return true;
  }

  /** Takes a node's status or its will. */
  status(id: string, status: NodeStatus): void {
    const node = this.#nodes.get(id);
    if (!node) {
      if (this.#early.size < MAX_NODES || this.#early.has(id)) this.#early.set(id, status);
      return;
    }
    const online = status.state === "online";
    // The will of a connection that a newer one has replaced says nothing about now.
    if (!online && node.status && status.session < node.status.session) return;
    node.status = status;
    node.lastSeenAt = this.#clock.nowMs();
    this.#setOnline(node, online);
    this.#emit({ kind: "node", node });
  }

  /** The node's connection has ended. */
  gone(id: string): void {
    this.#early.delete(id);
    const node = this.#nodes.get(id);
    if (!node?.online) return;
    this.#setOnline(node, false);
    this.#emit({ kind: "node", node });
  }

  /** Takes a reading of the live lane. One that is not newer than what is shown changes nothing. */
  reading(point: LivePoint, reading: Reading, ageOnArrivalMs: number): void {
    const { id } = point.info;
    const anyOrder = this.#anyOrder.delete(id);
    if (point.reading && reading.at <= point.reading.at && !anyOrder) return;
    point.reading = reading;
    point.receivedAt = this.#clock.nowMs();
    point.ageOnArrivalMs = ageOnArrivalMs;
    this.#emit({ kind: "point", point });
    if (!id.endsWith(CONTACT_SUFFIX)) return;
    const door = this.door(id.slice(0, -CONTACT_SUFFIX.length));
    if (door?.node !== point.node) return;
    if (anyOrder) door.at = null;
    // Nobody saw a door move whose state was unknown before: when it did, the ledger may know later.
    const seen = door.at !== null && door.state !== "unknown";
    this.#moveDoor(door, contactState(reading), reading.at, seen);
    if (!seen && door.since === null) this.#doorOrigins.wanted(door);
  }

  /**
   * Everything a node recorded up to this time is in the ledger: doors whose last move nobody here saw
   * live, for instance because the hub was restarted, now show since when they are as they are.
   */
  recordedUpTo(node: string, at: EpochMs): void {
    for (const door of this.#doorOrigins.settle(node, at)) this.#emit({ kind: "door", door });
  }

  /** Takes a door event of the data lane; a late one, or one of another node's door, changes nothing. */
  doorEvent(node: string, event: DoorEvent): void {
    const door = this.door(event.door);
    if (door?.node !== node || event.what === "chatter") return;
    if (Math.abs(this.#clock.nowMs() - event.at) > DOOR_EVENT_FRESH_MS) return;
    const state = event.what === "opened" ? "open" : event.what === "closed" ? "closed" : "unknown";
    this.#moveDoor(door, state, event.at, true);
  }

  #moveDoor(door: LiveDoor, state: LiveDoor["state"], at: EpochMs, seen: boolean): void {
    if (door.at !== null && at <= door.at) return;
    const first = door.at === null;
    door.at = at;
    if (!first && door.state === state) return;
    door.since = seen ? at : null;
    door.state = state;
    this.#emit({ kind: "door", door });
  }

  #setOnline(node: LiveNode, online: boolean): void {
    if (node.online === online) return;
    node.online = online;
    node.since = this.#clock.nowMs();
    this.#save(node);
    this.#log.info({ node: node.id }, online ? "node online" : "node offline");
  }

  #save({ id, birth, online, since, lastSeenAt }: LiveNode): void {
    const retired = this.#catalogue.retiredOf(id);
    this.#known.save({ birth, retired, online, since, lastSeenAt });
  }

  #emit(change: LiveChange): void {
    for (const listener of this.#listeners) listener(change);
  }
}

function newNode(birth: Birth, now: EpochMs): LiveNode {
  return {
    id: birth.node,
    birth,
    online: false,
    since: now,
    lastSeenAt: now,
    status: null,
    stored: 0,
    refused: 0,
    quarantined: 0,
    heldBack: 0,
    skewMs: null,
    overQuota: false,
    inConflict: false,
  };
}

function contactState(reading: Reading): LiveDoor["state"] {
  if (reading.quality !== "good") return "unknown";
  return reading.value === 1 ? "open" : "closed";
}
