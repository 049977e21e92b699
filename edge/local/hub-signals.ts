import type { Logger } from "pino";
import { MAX_SIGNAL_CAUSES, type NodeStatus } from "../../contract/message.ts";
import type { Output } from "./output.ts";

export interface SignalOrder {
  output: string;
  cause: string;
  on: boolean;
}

/** Switches outputs as the hub orders. What it wants stays so while it is away; a restart forgets it. */
export class HubSignals {
  readonly #outputs: Map<string, { output: Output; causes: Set<string> }>;
  readonly #log: Logger;

  constructor(driven: readonly { output: Output }[], log: Logger) {
    this.#log = log;
    this.#outputs = new Map(
      driven.map(({ output }) => [output.id, { output, causes: new Set<string>() }]),
    );
  }

  take({ output: id, cause, on }: SignalOrder): void {
    const known = this.#outputs.get(id);
    if (!known) {
      this.#log.warn({ output: id }, "the hub ordered an output that is not here");
      return;
    }
    const { output, causes } = known;
    if (on === causes.has(cause)) return;
    this.#log.info({ output: id, cause, on }, "the hub orders an output");
    if (on) {
      causes.add(cause);
      output.demand(named(cause));
      const [oldest] = causes;
      if (causes.size > MAX_SIGNAL_CAUSES && oldest !== undefined) this.#release(known, oldest);
    } else this.#release(known, cause);
  }

  /** Every output with what the hub wants it on for. */
  held(): NonNullable<NodeStatus["signals"]> {
    return Object.fromEntries([...this.#outputs].map(([id, { causes }]) => [id, [...causes]]));
  }

  #release({ output, causes }: { output: Output; causes: Set<string> }, cause: string): void {
    causes.delete(cause);
    output.release(named(cause));
  }
}

/** Never the name of a local alarm's cause. */
const named = (cause: string): string => `hub ${cause}`;
