import type { Clock } from "../../contract/clock.ts";
import type { Command } from "../../contract/message.ts";
import type { LiveState } from "../live/live-state.ts";
import { withDeadline } from "./channel.ts";

export interface NodeSignalsDeps {
  live: Pick<LiveState, "node" | "onChange">;
  send: (node: string, command: Command) => void;
}

export interface Signal {
  node: string;
  output: string;
  cause: string;
  on: boolean;
}

/** Causes kept on per output; above it the oldest is no longer ordered anew. */
const MAX_WANTED = 50;

/** The node says that it has no such output; ordering again is pointless until somebody mends a file. */
export class NoSuchOutput extends Error {}

/** Orders outputs of nodes on and off, and orders anew what a node forgot by starting again. */
export class NodeSignals {
  readonly #deps: NodeSignalsDeps;
  readonly #wanted = new Map<string, Map<string, Set<string>>>();

  constructor(deps: NodeSignalsDeps) {
    this.#deps = deps;
    deps.live.onChange((change) => {
      if (change.kind === "node" && change.node.online) this.#remind(change.node.id);
    });
  }

  /** Resolves once the node's status says so. */
  async order(signal: Signal, clock: Clock, timeoutMs: number): Promise<void> {
    const { node, output, cause, on } = signal;
    this.#want(signal);
    if (!this.#deps.live.node(node)?.online) throw new Error(`node ${node} is not connected`);
    await withDeadline(clock, timeoutMs, (late) => {
      const settled = this.#settled(signal, late);
      this.#deps.send(node, { cmd: "signal", output, cause, on });
      return settled;
    });
  }

  #settled({ node, output, cause, on }: Signal, late: AbortSignal): Promise<void> {
    const { live } = this.#deps;
    return new Promise((resolve, reject) => {
      const stop = live.onChange((change) => {
        if (change.kind !== "node" || change.node.id !== node) return;
        const held = change.node.status?.signals;
        if (!held) return;
        const causes = held[output];
        if (!causes) {
          stop();
          const there = Object.keys(held).join(", ") || "none";
          reject(new NoSuchOutput(`node ${node} has no output ${output}; it has ${there}`));
        } else if (causes.includes(cause) === on) {
          stop();
          resolve();
        }
      });
      late.addEventListener("abort", () => {
        stop();
        reject(late.reason);
      });
    });
  }

  #want({ node, output, cause, on }: Signal): void {
    const outputs = this.#wanted.get(node) ?? new Map<string, Set<string>>();
    const causes = outputs.get(output) ?? new Set<string>();
    this.#wanted.set(node, outputs.set(output, causes));
    if (!on) causes.delete(cause);
    else causes.add(cause);
    const [oldest] = causes;
    if (causes.size > MAX_WANTED && oldest !== undefined) causes.delete(oldest);
  }

  #remind(node: string): void {
    const held = this.#deps.live.node(node)?.status?.signals;
    if (!held) return;
    for (const [output, causes] of this.#wanted.get(node) ?? [])
      for (const cause of causes)
        if (held[output] && !held[output].includes(cause))
          this.#deps.send(node, { cmd: "signal", output, cause, on: true });
  }
}
