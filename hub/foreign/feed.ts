import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock, EpochMs } from "../../contract/clock.ts";
import { isId } from "../../contract/id.ts";
import type { Birth, PointInfo } from "../../contract/message.ts";
import { type Reading, staleAfterMs } from "../../contract/reading.ts";
import { Refusals } from "../ingest/refusals.ts";
import type { LiveState } from "../live/live-state.ts";
import { Backlog } from "./backlog.ts";
import {
  type ForeignAccount,
  type ForeignMapping,
  MAX_POINTS_PER_ACCOUNT,
  pointInfoOf,
} from "./mapping.ts";
import { measure, measuredAt, parsePayload } from "./measure.ts";
import { RateLimit } from "./rate-limit.ts";
import { captureCount, filled, type TopicMatcher, topicMatcher } from "./topic-pattern.ts";

const MAX_PAYLOAD_BYTES = 64 * 1024;
/** Messages of one account on mapped topics; more are refused. */
const MESSAGES_PER_S = 200;
const MESSAGES_AT_ONCE = 1_000;
/** A wall clock that went back by more than this was wrong before. */
const REWIND_MS = 60_000;

export interface FeedDeps {
  live: Pick<LiveState, "announce" | "status" | "node" | "point" | "reading">;
  /** Stores readings; false while there is no room. */
  store(node: string, epoch: string, readings: readonly Reading[]): boolean;
  clock: Clock;
  log: Logger;
}

interface Route {
  mapping: ForeignMapping;
  match: TopicMatcher;
}

/** One account's devices as a node of the hub: its messages become readings, its silence shows. */
export class ForeignFeed {
  readonly account: ForeignAccount;
  readonly #deps: FeedDeps;
  readonly #refusals: Refusals;
  readonly #exact = new Map<string, Route[]>();
  readonly #families: Route[] = [];
  readonly #points = new Map<string, PointInfo>();
  /** Which topic a point came from first: another may not speak for it. */
  readonly #sources = new Map<string, string>();
  readonly #lastAt = new Map<string, EpochMs>();
  readonly #limit: RateLimit;
  readonly #backlog: Backlog;
  #boot = randomUUID();
  #heardMs: number;
  #ignored = 0;

  constructor(account: ForeignAccount, deps: FeedDeps) {
    this.account = account;
    this.#deps = deps;
    this.#refusals = new Refusals(deps.log);
    this.#limit = new RateLimit({ perS: MESSAGES_PER_S, atOnce: MESSAGES_AT_ONCE }, deps.clock);
    this.#backlog = new Backlog((readings) => deps.store(account.id, this.#boot, readings));
    this.#heardMs = deps.clock.monoMs();
    for (const mapping of account.mappings) this.#addRoute(mapping);
    this.#restoreFamilies();
  }

  /** Messages on topics that nothing is made of, since the start. */
  get ignored(): number {
    return this.#ignored;
  }

  begin(): void {
    this.#announce();
    this.#setOnline(true);
  }

  knows(topic: string): boolean {
    return this.#exact.has(topic) || this.#families.some(({ match }) => match(topic));
  }

  take(topic: string, payload: Uint8Array): void {
    const family = this.#families.filter(({ match }) => match(topic));
    const routes = [...(this.#exact.get(topic) ?? []), ...family];
    if (routes.length === 0) {
      this.#ignored += 1;
      return;
    }
    const json = this.#read(payload);
    if ("why" in json) {
      this.#refuse(json.why, topic);
      return;
    }
    for (const route of routes) {
      const wrong = this.#measure(route, topic, json.value);
      if (wrong !== undefined) this.#refuse(wrong, topic, route.mapping.point);
    }
  }

  /** Hands on what waits for the store, and looks whether anything still speaks. Call it every second. */
  tick(): void {
    const lost = this.#backlog.flush();
    if (lost > 0)
      this.#deps.log.error({ node: this.account.id, lost }, "readings lost, store away");
    const periods = [...this.#points.values()].map(({ periodMs }) => staleAfterMs(periodMs));
    const quietMs = this.#deps.clock.monoMs() - this.#heardMs;
    this.#setOnline(quietMs <= Math.max(0, ...periods));
  }

  #addRoute(mapping: ForeignMapping): void {
    const { topic, point, label } = mapping;
    const route = { mapping, match: topicMatcher(topic) };
    if (captureCount(topic) > 0) this.#families.push(route);
    else {
      this.#exact.set(topic, [...(this.#exact.get(topic) ?? []), route]);
      this.#points.set(point, pointInfoOf(mapping, point, label));
      this.#sources.set(point, topic);
    }
  }

  /** Points of families that spoke before the hub restarted stay, so that their silence shows. */
  #restoreFamilies(): void {
    const known = this.#deps.live.node(this.account.id)?.birth.points ?? [];
    for (const info of known) {
      const route = this.#families.find(
        ({ mapping }) => mapping.quantity === info.quantity && fits(mapping.point, info.id),
      );
      if (!route || this.#points.has(info.id)) continue;
      this.#points.set(info.id, pointInfoOf(route.mapping, info.id, info.label));
    }
  }

  #read(payload: Uint8Array): { value: unknown } | { why: string } {
    if (payload.length > MAX_PAYLOAD_BYTES) return { why: "payload too large" };
    if (!this.#limit.take()) return { why: "too many messages" };
    const value = parsePayload(payload);
    return value === undefined ? { why: "payload is not JSON" } : { value };
  }

  /** Returns why the message is refused. */
  #measure({ mapping, match }: Route, topic: string, json: unknown): string | undefined {
    const found = measure(mapping, json);
    if (found === "absent") return undefined;
    if ("refused" in found) return found.refused;
    const now = this.#deps.clock.nowMs();
    const time = measuredAt(mapping, json, now);
    if ("refused" in time) return time.refused;
    const named = this.#pointOf(mapping, match(topic) ?? [], topic);
    if ("why" in named) return named.why;
    const { point } = named;
    const live = this.#deps.live.point(point);
    if (live?.node !== this.account.id) return "point is another node's";
    const at = this.#stamp(point, time.at, mapping.timePath !== null);
    if (at === undefined) return undefined;
    this.#heardMs = this.#deps.clock.monoMs();
    const node = this.#deps.live.node(this.account.id);
    if (node) node.lastSeenAt = now;
    this.#setOnline(true);
    const reading: Reading = { point, at, ...found.measurement };
    this.#deps.live.reading(live, reading, Math.max(0, now - at));
    this.#backlog.add(reading);
    return undefined;
  }

  /** The point's name, or why it may not be one. A new one is announced first. */
  #pointOf(
    mapping: ForeignMapping,
    captures: string[],
    topic: string,
  ): { point: string } | { why: string } {
    // Names of devices often hold a part of their hardware address in capitals.
    const point = filled(mapping.point, captures).toLowerCase();
    const source = this.#sources.get(point);
    if (!isId(point)) return { why: "name is not allowed" };
    if (source !== undefined && source !== topic) return { why: "point comes from another topic" };
    if (!this.#points.has(point) && this.#points.size >= MAX_POINTS_PER_ACCOUNT)
      return { why: `more than ${MAX_POINTS_PER_ACCOUNT} points` };
    this.#sources.set(point, topic);
    if (this.#points.has(point) && this.#deps.live.node(this.account.id)) return { point };
    const label = filled(mapping.label, captures).replace(/\p{Cc}/gu, " ");
    this.#points.set(point, pointInfoOf(mapping, point, label));
    this.#announce();
    return { point };
  }

  /** Strictly later than the one before; undefined when the device only repeats what it said. */
  #stamp(point: string, at: EpochMs, ownTime: boolean): EpochMs | undefined {
    const last = this.#lastAt.get(point) ?? 0;
    if (ownTime && at === last) return undefined;
    let stamp = Math.max(at, last + 1);
    if (last - at > REWIND_MS && !ownTime) {
      stamp = at;
      this.#boot = randomUUID();
      this.#lastAt.clear();
      this.#announce();
    } else if (ownTime && at < last) return undefined;
    this.#lastAt.set(point, stamp);
    return stamp;
  }

  #announce(): void {
    const { id, label } = this.account;
    const birth: Birth = {
      v: 1,
      node: id,
      label,
      software: "foreign devices",
      bootId: this.#boot,
      epoch: this.#boot,
      at: this.#deps.clock.nowMs(),
      points: [...this.#points.values()],
      doors: [],
    };
    const refused = this.#deps.live.announce(birth);
    for (const name of refused) this.#refuse("point it may not have", undefined, name);
    const node = this.#deps.live.node(id);
    if (node && !node.online) this.#setOnline(true);
  }

  #setOnline(online: boolean): void {
    const node = this.#deps.live.node(this.account.id);
    if (!node || node.online === online) return;
    const at = this.#deps.clock.nowMs();
    const state = online ? "online" : "offline";
    this.#deps.live.status(this.account.id, { v: 1, state, session: 0, at });
  }

  #refuse(why: string, topic: string | undefined, point?: string): void {
    const detail = { ...(topic && { topic: topic.slice(0, 128) }), ...(point && { point }) };
    this.#refusals.note(this.account.id, why, detail);
    const node = this.#deps.live.node(this.account.id);
    if (node) node.refused += 1;
  }
}

/** Whether a name can have come from a template with `{1}` …. */
function fits(template: string, id: string): boolean {
  const parts = template.split(/\{\d\}/).map((part) => part.replace(/[.-]/g, "\\$&"));
  return new RegExp(`^${parts.join("[a-z0-9_.-]+")}$`).test(id);
}
