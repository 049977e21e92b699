import { batch, computed, type Signal, signal } from "@preact/signals";
import type {
  AlarmView,
  DoorView,
  Health,
  NodeView,
  PointDelta,
  PointView,
  Snapshot,
} from "../contract/api.ts";
import type { EpochMs } from "../contract/clock.ts";
import type { IncidentView } from "../contract/incident.ts";
import type { SiteModel } from "../contract/site.ts";
import { isListed } from "./alarm-order.ts";
import { type HeldPoint, hold, isHubLost, type Showing, showing } from "./staleness.ts";

/** What the page can ask its machine. Monotonic time, so that a stepped clock never ages a value. */
export interface PageClock {
  monoMs(): number;
  /** The machine's own idea of the time, only to say when it is wrong. */
  wallMs(): EpochMs;
}

export interface LastCleared {
  title: string;
  priority: AlarmView["priority"];
  at: EpochMs;
}

/** Everything the page knows. One stream feeds it; every component reads it. */
export class Store {
  readonly site = signal<SiteModel | null>(null);
  readonly nodes = signal<NodeView[]>([]);
  readonly alarms = signal<AlarmView[]>([]);
  /** Null when the hub knows no incidents. */
  readonly incidents = signal<IncidentView[] | null>(null);
  readonly doors = signal<DoorView[]>([]);
  readonly health = signal<Health | null>(null);
  /** Changes when points come or go, not when they are read. */
  readonly pointIds = signal<readonly string[]>([]);
  /** The hub's time now, advanced every second on the page's own clock. */
  readonly now = signal<EpochMs>(0);
  /** How long nothing was heard from the hub. */
  readonly silentMs = signal(0);
  /** Counts received heartbeats; the live bar shows nothing else. */
  readonly beats = signal(0);
  readonly attempts = signal(0);
  /** Hub time minus the machine's time. */
  readonly driftMs = signal(0);
  readonly lastCleared = signal<LastCleared | null>(null);
  /** Since when this page has seen no listed alarm; null when there is one or it cannot know. */
  readonly calmSince = signal<EpochMs | null>(null);

  readonly lost = computed(() => isHubLost(this.silentMs.value));
  /** The hub's time when it was last heard. */
  readonly heardAt = computed(() => this.now.value - this.silentMs.value);

  readonly #clock: PageClock;
  readonly #points = new Map<string, Signal<HeldPoint>>();
  /** Hub time at a moment of the page's monotonic clock; undefined before the hub was heard. */
  #sync: { hubMs: EpochMs; monoMs: number } | undefined;
  #heardMono: number;

  constructor(clock: PageClock) {
    this.#clock = clock;
    this.#heardMono = clock.monoMs();
  }

  /** Reads reactively: a component that calls this follows the point. */
  held(id: string): HeldPoint | undefined {
    return this.#points.get(id)?.value;
  }

  show(id: string): Showing {
    // pointIds makes a component that asked for an unknown point ask again when it arrives.
    if (!this.#points.has(id)) this.pointIds.value;
    const shown = showing(this.held(id), this.now.value);
    if (shown.kind !== "bad" || this.held(id)?.lastValueAt != null) return shown;
    // This page never saw a value; the hub's alarm about it knows better how long that has been.
    const raised = this.alarms.value.filter(isMissingAlarm(id)).map((alarm) => alarm.raisedAt ?? 0);
    if (raised.length === 0) return shown;
    return { ...shown, ageMs: Math.max(shown.ageMs, this.now.value - Math.max(...raised)) };
  }

  snapshot(snap: Snapshot): void {
    batch(() => {
      this.heard(snap.health.at);
      this.site.value = snap.site;
      this.nodes.value = snap.nodes;
      this.doors.value = snap.doors;
      this.health.value = snap.health;
      this.incidents.value = snap.incidents ?? null;
      this.#takeAlarms(snap.alarms, true);
      this.#takePoints(snap.points);
    });
  }

  points(delta: PointDelta): void {
    batch(() => {
      this.#touch();
      const heardAt = this.#hubNow();
      for (const [id, [value, at, quality, reason]] of Object.entries(delta)) {
        const cell = this.#points.get(id);
        if (!cell) continue; // A point the hub added arrives with the snapshot it then sends.
        const view = { ...cell.peek().view, value, at, quality, reason };
        cell.value = hold(cell.peek(), { view, heardAt });
      }
    });
  }

  setAlarms(alarms: AlarmView[]): void {
    batch(() => {
      this.#touch();
      this.#takeAlarms(alarms, false);
    });
  }

  setIncidents(incidents: IncidentView[]): void {
    batch(() => {
      this.#touch();
      this.incidents.value = incidents;
    });
  }

  setDoors(doors: DoorView[]): void {
    this.#touch();
    this.doors.value = doors;
  }

  setNodes(nodes: NodeView[]): void {
    this.#touch();
    this.nodes.value = nodes;
  }

  beat(health: Health): void {
    batch(() => {
      this.heard(health.at);
      this.health.value = health;
      this.beats.value++;
    });
  }

  /** The hub said what time it is. */
  heard(hubMs: EpochMs): void {
    this.#sync = { hubMs, monoMs: this.#clock.monoMs() };
    this.driftMs.value = hubMs - this.#clock.wallMs();
    this.attempts.value = 0;
    this.#touch();
    this.now.value = hubMs;
  }

  /** Call once a second: ages every value and watches the hub. */
  tick(): void {
    batch(() => {
      this.now.value = this.#hubNow();
      this.silentMs.value = this.#clock.monoMs() - this.#heardMono;
    });
  }

  #touch(): void {
    this.#heardMono = this.#clock.monoMs();
    this.silentMs.value = 0;
  }

  #hubNow(): EpochMs {
    if (!this.#sync) return this.#clock.wallMs();
    return this.#sync.hubMs + this.#clock.monoMs() - this.#sync.monoMs;
  }

  #takePoints(views: readonly PointView[]): void {
    const now = this.#hubNow();
    const known = new Set<string>();
    for (const view of views) {
      known.add(view.id);
      const heardAt = now - (view.ageMs ?? 0);
      const cell = this.#points.get(view.id);
      const held = hold(cell?.peek(), { view, heardAt });
      if (cell) cell.value = held;
      else this.#points.set(view.id, signal(held));
    }
    for (const id of this.#points.keys()) if (!known.has(id)) this.#points.delete(id);
    this.pointIds.value = views.map((view) => view.id);
  }

  #takeAlarms(alarms: AlarmView[], isSnapshot: boolean): void {
    const before = this.alarms.peek().filter(isListed);
    const listed = new Set(alarms.filter(isListed).map((alarm) => alarm.id));
    const gone = before.find((alarm) => !listed.has(alarm.id));
    const now = this.#hubNow();
    if (gone && !isSnapshot)
      this.lastCleared.value = { title: gone.title, priority: gone.priority, at: now };
    if (listed.size > 0) this.calmSince.value = null;
    else if (before.length > 0 && !isSnapshot) this.calmSince.value = now;
    this.alarms.value = alarms;
  }
}

const isMissingAlarm = (point: string) => (alarm: AlarmView) =>
  alarm.subject === point && alarm.value === null && alarm.limit === null;
