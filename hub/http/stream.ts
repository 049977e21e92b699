import type { Logger } from "pino";
import type {
  AlarmView,
  DoorView,
  Health,
  NodeView,
  PointDelta,
  Snapshot,
} from "../../contract/api.ts";
import type { Clock } from "../../contract/clock.ts";
import type { IncidentView } from "../../contract/incident.ts";
import type { LiveChange, LivePoint } from "../live/live-state.ts";
import { isOwnName, isOwnNode, tellsOfHub } from "../own-nodes.ts";
import { SharedFrames } from "./stream-frames.ts";

/** Points and node counters go out at most this often; alarms, doors and connections at once. */
const TICK_MS = 1_000;
const HEARTBEAT_MS = 5_000;
/** A reader that took nothing for this long is dropped; its browser connects again. */
const STUCK_MS = 15_000;
export const MAX_STREAM_CLIENTS = 100;

/** One browser's connection. */
export interface StreamSink {
  /** False when the reader is behind; `onDrain` tells when it has caught up. */
  write(text: string): boolean;
  onDrain(listener: () => void): void;
  onClose(listener: () => void): void;
  /** Cuts the connection, also when the reader does not read. */
  destroy(): void;
}

export interface StreamSources {
  snapshot(): Snapshot;
  alarms(): AlarmView[];
  incidents?(): IncidentView[];
  doors(): DoorView[];
  nodes(): NodeView[];
  health(): Health;
  delta(point: LivePoint): PointDelta[string];
}

export interface StreamDeps {
  sources: StreamSources;
  version: string;
  build: string;
  clock: Clock;
  log: Logger;
}

type Lane = "snap" | "alarms" | "incidents" | "doors" | "nodes" | "hb";

interface Client {
  sink: StreamSink;
  stillSignedIn: () => boolean;
  /** What this reader has missed while it was behind: lanes, and the newest value of each point. */
  owed: Set<Lane>;
  owedPoints: PointDelta;
  blockedSinceMs: number | null;
}

/**
 * The event stream of all browsers. What a slow reader misses is merged into the newest value of each
 * point, so its memory is bounded by the number of points and never by time.
 */
export class Stream {
  readonly #deps: StreamDeps;
  readonly #clients = new Set<Client>();
  #changed: PointDelta = {};
  readonly #births = new Map<string, { birth: unknown; online: boolean }>();
  #urgent = new Set<Lane>();
  /** Counters and doors also change with time alone, so each beat compares them with what was sent. */
  readonly #sent = { doors: "", nodes: "" };
  #scheduled = false;
  #dropped = 0;
  #closed = false;

  constructor(deps: StreamDeps) {
    this.#deps = deps;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Readers cut because they did not read. */
  get dropped(): number {
    return this.#dropped;
  }

  /** False when there is no room for another reader. */
  open(sink: StreamSink, stillSignedIn: () => boolean): boolean {
    if (this.#closed || this.#clients.size >= MAX_STREAM_CLIENTS) return false;
    const client: Client = {
      sink,
      stillSignedIn,
      owed: new Set(["snap"]),
      owedPoints: {},
      blockedSinceMs: null,
    };
    this.#clients.add(client);
    sink.onClose(() => this.#clients.delete(client));
    sink.onDrain(() => {
      client.blockedSinceMs = null;
      this.#settle(client, new SharedFrames(this.#deps.sources));
    });
    const { version, build, clock } = this.#deps;
    const hello = JSON.stringify({ version, build, at: clock.nowMs() });
    this.#write(client, `retry: 2000\nevent: hello\ndata: ${hello}\n\n`);
    this.#settle(client, new SharedFrames(this.#deps.sources));
    return true;
  }

  /** Told about every change of the live state. */
  liveChanged(change: LiveChange): void {
    if (isOwn(change)) return;
    if (change.kind === "point") {
      this.#changed[change.point.info.id] = this.#deps.sources.delta(change.point);
    } else if (change.kind === "door") {
      this.#hurry("doors");
    } else if (change.kind === "withdrawn") {
      // A delta cannot take a point away.
      if (change.node !== null) this.#births.delete(change.node);
      for (const name of change.names) delete this.#changed[name];
      this.#hurry("snap");
    } else {
      const { id, birth, online } = change.node;
      const known = this.#births.get(id);
      this.#births.set(id, { birth, online });
      if (known?.birth !== birth) this.#hurry("snap");
      else if (known.online !== online) this.#hurry("nodes");
    }
  }

  alarmsChanged(): void {
    this.#hurry("alarms");
  }

  incidentsChanged(): void {
    this.#hurry("incidents");
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps;
    let beatAtMs = clock.monoMs() + HEARTBEAT_MS;
    while (!signal.aborted) {
      await clock.sleep(TICK_MS, signal);
      if (signal.aborted) break;
      const beat = clock.monoMs() >= beatAtMs;
      if (beat) beatAtMs = clock.monoMs() + HEARTBEAT_MS;
      this.#tick(beat);
    }
    this.close();
  }

  close(): void {
    this.#closed = true;
    for (const client of this.#clients) client.sink.destroy();
    this.#clients.clear();
  }

  #tick(beat: boolean): void {
    if (beat) this.#checkClients();
    const lanes: Lane[] = beat ? ["hb", ...this.#drifted()] : [];
    this.#spread(lanes, this.#takeChanged());
  }

  #drifted(): Lane[] {
    const frames = new SharedFrames(this.#deps.sources);
    return (["doors", "nodes"] as const).filter((lane) => {
      const text = frames.lane(lane);
      const differs = text !== this.#sent[lane];
      this.#sent[lane] = text;
      return differs;
    });
  }

  /** Several changes of one moment go out together. */
  #hurry(lane: Lane): void {
    this.#urgent.add(lane);
    if (this.#scheduled) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      const lanes = this.#urgent;
      this.#urgent = new Set();
      this.#spread([...lanes], {});
    });
  }

  #spread(lanes: readonly Lane[], points: PointDelta): void {
    const frames = new SharedFrames(this.#deps.sources);
    const text = Object.keys(points).length > 0 ? frames.points(points) : "";
    for (const client of this.#clients) {
      for (const lane of lanes) client.owed.add(lane);
      const upToDate = client.blockedSinceMs === null && !client.owed.has("snap");
      if (upToDate && text) this.#write(client, text);
      else if (!upToDate) Object.assign(client.owedPoints, points);
      this.#settle(client, frames);
    }
  }

  /** Sends what a reader is owed, unless it is behind. */
  #settle(client: Client, frames: SharedFrames): void {
    if (client.blockedSinceMs !== null) return;
    const { owed, owedPoints } = client;
    client.owed = new Set();
    client.owedPoints = {};
    let text = "";
    if (owed.has("snap")) text = frames.lane("snap");
    else {
      for (const lane of ["alarms", "incidents", "doors", "nodes"] as const)
        if (owed.has(lane)) text += frames.lane(lane);
      if (Object.keys(owedPoints).length > 0) text += frames.points(owedPoints);
    }
    if (owed.has("hb")) text += frames.lane("hb");
    if (text) this.#write(client, text);
  }

  #write(client: Client, text: string): void {
    if (!client.sink.write(text)) client.blockedSinceMs ??= this.#deps.clock.monoMs();
  }

  #checkClients(): void {
    const now = this.#deps.clock.monoMs();
    for (const client of this.#clients) {
      const stuck = client.blockedSinceMs !== null && now - client.blockedSinceMs >= STUCK_MS;
      if (stuck) {
        this.#dropped += 1;
        this.#deps.log.warn(
          { clients: this.#clients.size },
          "stream reader dropped: it stopped reading",
        );
      }
      if (!stuck && client.stillSignedIn()) continue;
      this.#clients.delete(client);
      client.sink.destroy();
    }
  }

  #takeChanged(): PointDelta {
    const taken = this.#changed;
    this.#changed = {};
    return taken;
  }
}

/** What the hub measures of itself is for its alarms; browsers learn it from the beat. */
function isOwn(change: LiveChange): boolean {
  switch (change.kind) {
    case "node":
      return isOwnNode(change.node.id);
    case "point":
      return tellsOfHub(change.point.node);
    case "withdrawn":
      return change.node === null && change.names.every(isOwnName);
    case "door":
      return false;
  }
}
