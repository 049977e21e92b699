import type { Clock } from "../../contract/clock.ts";
import { Waker } from "../waker.ts";
import { Child, runTool, type Shell } from "./gpiomon-child.ts";
import type { Edge, GpiodTools } from "./gpiomon-tools.ts";
import { DeviceError } from "./port.ts";

/** An edge between reading the level and watching for edges is found by this first check. */
const FIRST_CHECK_MS = 2_000;
/** A line without an edge for so long is read again: its newest edge may have been lost. */
const QUIET_CHECK_MS = 60_000;
/** Version 1 does not say when it has the line; a refusal comes sooner than this. */
const SETTLE_MS = 150;
/** An older edge than this was stamped by another clock. */
const OLDEST_EDGE_MS = 60_000;

/** Called with the level, and with how long ago it began, by the kernel's stamp. */
export type OnLevel = (level: 0 | 1, ageMs: number) => void;

export interface LineDeps extends Shell {
  tools: GpiodTools;
  chip: string;
  line: number;
  onLevel: OnLevel;
  /** Now, on the clock that stamps edges. */
  kernelNowMs: () => number;
}

/**
 * One watched line. A line held by `gpiomon` cannot be read, so its level is that of the newest edge;
 * while it is quiet, `gpiomon` is stopped now and then to read the level, and started again.
 */
export class MonitoredLine {
  readonly #deps: LineDeps;
  readonly #clock: Clock;
  readonly #waker = new Waker();
  readonly #stop = new AbortController();
  #level: 0 | 1 | undefined;
  /** When it was last read or gave an edge. */
  #newestMs = 0;
  #checkMs = FIRST_CHECK_MS;
  #child: Child | undefined;

  constructor(deps: LineDeps) {
    this.#deps = deps;
    this.#clock = deps.clock;
  }

  get level(): 0 | 1 | undefined {
    return this.#level;
  }

  /** Reads the level, tells it, and begins to watch. Throws `DeviceError` "bus" when the line is refused. */
  async start(): Promise<void> {
    const { tools, chip, line, kernelNowMs, onLevel } = this.#deps;
    const level = levelOf(await runTool(tools.get(chip, line), this.#deps));
    if (level !== this.#level) {
      this.#level = level;
      onLevel(level, 0);
    }
    if (this.#stop.signal.aborted) return;
    let ready = () => {};
    const isReady = new Promise<void>((resolve) => {
      ready = resolve;
    });
    this.#newestMs = this.#clock.monoMs();
    const child = new Child(tools.monitor(chip, line), this.#deps, (text) => {
      if (tools.ready !== null && text.startsWith(tools.ready)) ready();
      const edge = tools.parseEdge(text);
      if (edge) this.#saw(edge, kernelNowMs() - edge.kernelMs);
    });
    this.#child = child;
    child.ended.then(() => this.#waker.wake());
    const settled = new AbortController();
    if (tools.ready === null) this.#clock.sleep(SETTLE_MS, settled.signal).then(ready);
    const why = await Promise.race([isReady, child.ended]);
    settled.abort();
    if (why !== undefined && !this.#stop.signal.aborted) throw new DeviceError("bus", why);
  }

  /** Watches on until `close`. Throws `DeviceError` "bus" when the child ended by itself. */
  async keep(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted && this.#child) {
      if (!this.#child.alive) throw new DeviceError("bus", await this.#child.ended);
      const waitMs = this.#newestMs + this.#checkMs - this.#clock.monoMs();
      if (waitMs > 0) {
        await this.#waker.wait(this.#clock, waitMs, signal);
        continue;
      }
      this.#checkMs = QUIET_CHECK_MS;
      await this.#child.stop();
      await this.start();
    }
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#child?.stop();
  }

  #saw({ level }: Edge, ageMs: number): void {
    const sinceMs = ageMs >= 0 && ageMs < OLDEST_EDGE_MS ? ageMs : 0;
    const { onLevel } = this.#deps;
    // Two edges to one level: the one between them was lost.
    if (level === this.#level) onLevel(level === 1 ? 0 : 1, sinceMs);
    this.#level = level;
    onLevel(level, sinceMs);
    this.#newestMs = this.#clock.monoMs();
    this.#checkMs = QUIET_CHECK_MS;
  }
}

export function levelOf(printed: string): 0 | 1 {
  const text = printed.trim();
  if (text === "0" || text === "1") return text === "1" ? 1 : 0;
  throw new DeviceError("bus", `gpioget printed "${text.slice(0, 80)}", not 0 or 1`);
}
