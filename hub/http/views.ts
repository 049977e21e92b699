import type {
  DoorView,
  Health,
  NodeView,
  PointDelta,
  PointView,
  Snapshot,
} from "../../contract/api.ts";
import type { IncidentView } from "../../contract/incident.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import { staleAfterMs } from "../../contract/reading.ts";
import type { LiveDoor, LiveNode, LivePoint } from "../live/live-state.ts";
import { HUB_NODE, isOwnNode, PROBE_NODE, tellsOfHub } from "../own-nodes.ts";
import type { ProbeState } from "../probe/probe.ts";
import { VERSION } from "../version.ts";
import type { HttpSources } from "./sources.ts";

/** What the API says about the sources' state now. */
export class Views {
  readonly #sources: HttpSources;
  readonly #startedMonoMs: number;

  constructor(sources: HttpSources) {
    this.#sources = sources;
    this.#startedMonoMs = sources.clock.monoMs();
  }

  /** In the order of their names. */
  points = (): PointView[] => sortedById(this.#points().map(this.point));

  /** What the hub measures of itself; not among the room's points, where it would make a dead room look alive. */
  ownPoints = (): PointView[] =>
    sortedById(
      [...this.#sources.live.points()].filter(({ node }) => node === HUB_NODE).map(this.point),
    );

  find = (id: string): LivePoint | undefined => {
    const point = this.#sources.live.point(id);
    return point && point.node !== PROBE_NODE ? point : undefined;
  };

  point = (point: LivePoint): PointView => {
    const { live, clock } = this.#sources;
    const now = clock.nowMs();
    const { info, node, reading } = point;
    const [value, at, quality, reason] = this.delta(point);
    return {
      id: info.id,
      node,
      label: info.label,
      quantity: info.quantity,
      unit: QUANTITIES[info.quantity].unit,
      value,
      quality,
      reason,
      at,
      ageMs: reading ? live.ageMs(point, now) : null,
      periodMs: info.periodMs,
      staleAfterMs: staleAfterMs(info.periodMs),
      stale: live.isStale(point, now),
      ...(info.states ? { states: info.states } : {}),
    };
  };

  delta = ({ reading }: LivePoint): PointDelta[string] => {
    if (!reading) return [null, null, "never", null];
    switch (reading.quality) {
      case "good":
        return [reading.value, reading.at, "good", null];
      case "uncertain":
        return [reading.value, reading.at, "uncertain", reading.reason];
      case "bad":
        return [null, reading.at, "bad", reading.reason];
    }
  };

  /** Edge nodes only: what the hub says about itself stands in `health`. */
  nodes = (): NodeView[] =>
    sortedById([...this.#sources.live.nodes()].filter(isEdgeNode).map(toNodeView));

  doors = (): DoorView[] => sortedById([...this.#sources.live.doors()].map(this.#door));

  health = (): Health => {
    const { live, ingest, history, alarms, outbox, probe, heartbeat, clock } = this.#sources;
    const now = clock.nowMs();
    const nodes = [...live.nodes()].filter(isEdgeNode);
    const points = this.#points();
    const error = ingest.storeError();
    const lost = probe.state().kind === "failed";
    const { refused, quarantined } = ingest.totals();
    const { queued, failed } = outbox.counts();
    return {
      status: error === null && alarms.saveError() === null && !lost ? "ok" : "degraded",
      version: VERSION,
      at: now,
      uptimeMs: Math.round(clock.monoMs() - this.#startedMonoMs),
      store: {
        kind: history.kind,
        ok: error === null,
        lagMs: Math.round(ingest.storeLagMs()),
        error,
      },
      nodes: { online: nodes.filter((node) => node.online).length, total: nodes.length },
      points: {
        fresh: points.filter((p) => p.reading?.quality !== "bad" && !live.isStale(p, now)).length,
        total: points.length,
      },
      quarantined,
      refused,
      notifications: { queued, failed },
      selfCheck: selfCheckOf(probe.state()),
      heartbeats: heartbeat.views(),
    };
  };

  incidents = (): IncidentView[] => this.#sources.incidents?.list() ?? [];

  snapshot = (): Snapshot => ({
    site: this.#sources.site,
    points: this.points(),
    nodes: this.nodes(),
    alarms: this.#sources.alarms.views(),
    incidents: this.incidents(),
    doors: this.doors(),
    health: this.health(),
  });

  #points = (): LivePoint[] =>
    [...this.#sources.live.points()].filter(({ node }) => !tellsOfHub(node));

  #door = (door: LiveDoor): DoorView => ({
    id: door.info.id,
    node: door.node,
    label: door.info.label,
    state: this.#sources.live.doorNow(door, this.#sources.clock.nowMs()),
    since: door.since,
    at: door.at,
  });
}

function isEdgeNode({ id }: LiveNode): boolean {
  return !isOwnNode(id);
}

function selfCheckOf(state: ProbeState): Health["selfCheck"] {
  const none = { ok: null, at: null, stage: null, why: null, tookMs: null };
  switch (state.kind) {
    case "starting":
      return none;
    case "good":
      return { ...none, ok: true, at: state.at, tookMs: state.tookMs };
    case "failed":
      return { ...none, ok: false, at: state.at, stage: state.stage, why: state.why };
  }
}

function toNodeView(node: LiveNode): NodeView {
  const { birth, status } = node;
  return {
    id: node.id,
    label: birth.label,
    software: birth.software,
    online: node.online,
    since: node.since,
    lastSeenAt: node.lastSeenAt,
    backlog: status?.backlog ?? 0,
    clock: status?.clock ?? "unknown",
    points: birth.points.length,
    stored: node.stored,
    refused: node.refused,
    quarantined: node.quarantined,
    heldBack: node.heldBack,
    skewMs: node.skewMs,
    overQuota: node.overQuota,
    inConflict: node.inConflict,
    health: status?.health ?? {},
  };
}

function sortedById<T extends { id: string }>(items: T[]): T[] {
  return items.sort((a, b) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}
