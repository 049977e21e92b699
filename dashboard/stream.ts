import type { StreamEvents } from "../contract/api.ts";
import { HEARTBEAT_LIMIT_MS } from "./staleness.ts";
import type { Store } from "./store.ts";

/** The part of EventSource the page uses, so that a test can play the hub. */
export interface EventStream {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  readonly readyState: number;
  close(): void;
}
const CLOSED = 2;

export interface StreamDeps {
  store: Store;
  open(): EventStream;
  monoMs(): number;
  /** The hub runs another build of these pages than the one first met. */
  onNewBuild(build: string): void;
  /** The browser gave up on the address: signed out, or no hub behind the proxy. */
  onRefused(): void;
}

/**
 * Keeps one stream open. The browser itself retries after a lost connection, but never notices a hub that
 * hangs, and gives up on an HTTP error: both are seen here, once a second, by `check`.
 */
export class StreamKeeper {
  readonly #deps: StreamDeps;
  #stream: EventStream | undefined;
  #openedMono = 0;
  #build: string | undefined;

  constructor(deps: StreamDeps) {
    this.#deps = deps;
    this.#open();
  }

  /** Opens a new stream when the present one is closed or silent for the limit. At most once per limit. */
  check(): void {
    const { store, monoMs } = this.#deps;
    const isClosed = this.#stream?.readyState === CLOSED;
    const isSilent = store.silentMs.peek() >= HEARTBEAT_LIMIT_MS;
    const isRecent = monoMs() - this.#openedMono < (isClosed ? 3_000 : HEARTBEAT_LIMIT_MS);
    if ((!isClosed && !isSilent) || isRecent) return;
    if (isClosed) this.#deps.onRefused();
    this.#open();
  }

  close(): void {
    this.#stream?.close();
    this.#stream = undefined;
  }

  #open(): void {
    this.#stream?.close();
    this.#openedMono = this.#deps.monoMs();
    this.#deps.store.attempts.value++;
    const stream = this.#deps.open();
    this.#stream = stream;
    const { store } = this.#deps;
    const on = <K extends keyof StreamEvents>(type: K, take: (data: StreamEvents[K]) => void) =>
      stream.addEventListener(type, (event) => {
        // A stream that was replaced may still deliver what it had; the new one is the truth.
        if (stream === this.#stream) take(JSON.parse(event.data) as StreamEvents[K]);
      });
    on("hello", ({ at, build }) => {
      store.heard(at);
      if (this.#build !== undefined && this.#build !== build) this.#deps.onNewBuild(build);
      this.#build = build;
    });
    on("snap", (snap) => store.snapshot(snap));
    on("points", (delta) => store.points(delta));
    on("alarms", (alarms) => store.setAlarms(alarms));
    on("incidents", (incidents) => store.setIncidents(incidents));
    on("doors", (doors) => store.setDoors(doors));
    on("nodes", (nodes) => store.setNodes(nodes));
    on("hb", (health) => store.beat(health));
    stream.addEventListener("error", () => {
      if (stream === this.#stream) store.attempts.value++;
    });
  }
}
