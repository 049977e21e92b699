import Database from "better-sqlite3";
import type { Logger } from "pino";
import type { Clock } from "../../contract/clock.ts";
import { globMatcher } from "../../contract/id.ts";
import type { Birth } from "../../contract/message.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { LiveChange, LivePoint, LiveState } from "../live/live-state.ts";
import { isOwnNode } from "../own-nodes.ts";
import type { HubDb } from "../state/hub-db.ts";
import { type Entity, entityOf, stateOf } from "./entity.ts";
import { PublishedTopics } from "./published-topics.ts";

/** The most points told to Home Assistant, in the order in which they are announced. */
export const MAX_ENTITIES = 5_000;
/** A state is published when it has changed, at most this often. */
export const ROUND_MS = 5_000;
/** The most states in one round; the others wait for the next. */
const STATES_PER_ROUND = 2_000;

export interface DiscoveryDeps {
  /** Null: it is turned off, and what stands from before is taken back. */
  config: { prefix: string; points: string[] } | null;
  site: Pick<SiteModel, "id" | "label">;
  live: Pick<LiveState, "point" | "points" | "node" | "isStale" | "onChange">;
  db: HubDb;
  publish(topic: string, payload: string, options: { retain: boolean; qos: 0 | 1 }): void;
  clock: Clock;
  log: Logger;
}

interface Published {
  entity: Entity;
  config: string;
  state: string | undefined;
}

/** Makes our points entities of Home Assistant by retained messages, and takes them back when they go. */
export class HomeAssistant {
  readonly #deps: DiscoveryDeps;
  readonly #topics: PublishedTopics;
  readonly #wanted: (point: string) => boolean;
  readonly #entities = new Map<string, Published>();
  readonly #changed = new Set<string>();
  readonly #births = new Map<string, Birth>();
  #scanDue = false;
  #refused = 0;

  constructor(deps: DiscoveryDeps) {
    this.#deps = deps;
    this.#topics = new PublishedTopics(deps.db);
    const globs = (deps.config?.points ?? []).map(globMatcher);
    this.#wanted = (point) => globs.some((fits) => fits(point));
  }

  /** First levels of its topics: readers must be able to hear of removals after it was turned off. */
  prefixes(): string[] {
    const { config, clock } = this.#deps;
    const old = [...this.#topics.standing(), ...this.#topics.removed(clock.nowMs())];
    const firsts = old.map((topic) => topic.slice(0, topic.indexOf("/")));
    return [...new Set([...(config ? [config.prefix] : []), ...firsts])];
  }

  async run(signal: AbortSignal): Promise<void> {
    const { live, clock, config } = this.#deps;
    const stop = live.onChange((change) => this.#hear(change));
    try {
      if (config) this.#scan();
      this.#takeBackOld();
      while (!signal.aborted) {
        if (this.#scanDue) this.#scan();
        this.#publishStates();
        await clock.sleep(ROUND_MS, signal);
      }
    } finally {
      stop();
    }
  }

  /** A reader may read from now on: what was taken back while it was away is taken back once more. */
  onReader = (): void => {
    this.#guarded(() => {
      for (const topic of this.#topics.removed(this.#deps.clock.nowMs()))
        this.#deps.publish(topic, "", { retain: true, qos: 1 });
    });
  };

  #hear(change: LiveChange): void {
    if (!this.#deps.config) return;
    if (change.kind === "point") this.#changed.add(change.point.info.id);
    else if (change.kind === "withdrawn") for (const name of change.names) this.#withdraw(name);
    else if (change.kind === "node" && this.#births.get(change.node.id) !== change.node.birth) {
      // A new announcement may also free names for other nodes, so all points are looked at, once a round.
      this.#births.set(change.node.id, change.node.birth);
      this.#scanDue = true;
    }
  }

  #scan(): void {
    this.#scanDue = false;
    for (const point of this.#deps.live.points()) this.#offer(point);
  }

  #offer(point: LivePoint): void {
    const { info, node: nodeId } = point;
    const { config, site, live } = this.#deps;
    const node = live.node(nodeId);
    if (!config || !node || isOwnNode(nodeId) || !this.#wanted(info.id)) return;
    const held = this.#entities.get(info.id);
    if (!held && this.#entities.size >= MAX_ENTITIES) {
      if (this.#refused === 0)
        this.#deps.log.error({ limit: MAX_ENTITIES }, "too many points for Home Assistant");
      this.#refused += 1;
      return;
    }
    const named = { id: node.id, label: node.birth.label };
    const entity = entityOf(info, { prefix: config.prefix, site, node: named });
    const text = JSON.stringify(entity.config);
    if (held?.config === text) return;
    if (held && held.entity.configTopic !== entity.configTopic) this.#withdraw(info.id);
    this.#entities.set(info.id, { entity, config: text, state: held?.state });
    this.#changed.add(info.id);
    this.#guarded(() => this.#topics.add(entity.configTopic));
    this.#deps.publish(entity.configTopic, text, { retain: true, qos: 1 });
  }

  #withdraw(point: string): void {
    const held = this.#entities.get(point);
    if (!held) return;
    this.#entities.delete(point);
    this.#changed.delete(point);
    this.#takeBack(held.entity.configTopic);
  }

  /** What an earlier run published and this one does not: the option or the point is gone. */
  #takeBackOld(): void {
    const standing = new Set([...this.#entities.values()].map(({ entity }) => entity.configTopic));
    this.#guarded(() => {
      for (const topic of this.#topics.standing()) if (!standing.has(topic)) this.#takeBack(topic);
    });
  }

  /** Home Assistant removes an entity whose configuration becomes empty. */
  #takeBack(configTopic: string): void {
    this.#guarded(() => this.#topics.remove(configTopic, this.#deps.clock.nowMs()));
    this.#deps.publish(configTopic, "", { retain: true, qos: 1 });
    const stateTopic = configTopic.replace(/config$/, "state");
    this.#deps.publish(stateTopic, "", { retain: true, qos: 1 });
  }

  /** Points that changed, and those whose value has grown stale meanwhile. */
  #publishStates(): void {
    const { live, clock, publish } = this.#deps;
    const now = clock.nowMs();
    let left = STATES_PER_ROUND;
    for (const [id, held] of this.#entities) {
      if (left === 0) break;
      const point = live.point(id);
      if (!point) continue;
      const stale = live.isStale(point, now);
      if (!this.#changed.has(id) && !(stale && held.state?.includes('"online"'))) continue;
      this.#changed.delete(id);
      const state = stateOf(point.info, point.reading, stale);
      if (state === held.state) continue;
      held.state = state;
      left -= 1;
      publish(held.entity.stateTopic, state, { retain: true, qos: 1 });
    }
  }

  /** A failing disk must not stop the hub; the worst is an entity that stays in Home Assistant. */
  #guarded(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof Database.SqliteError)) throw error;
      this.#deps.log.error({ error: error.message }, "discovery topics not remembered");
    }
  }
}
