import { randomUUID } from "node:crypto";
import type { Logger } from "pino";
import type { Clock } from "../contract/clock.ts";
import type { HubConfig } from "./config/hub-config.ts";
import type { HistoryStore } from "./history/store.ts";
import type { Ingest } from "./ingest/ingest.ts";
import type { Quarantine } from "./ingest/quarantine.ts";
import type { EventSink } from "./ledger/ledger.ts";
import type { LiveState } from "./live/live-state.ts";
import { HUB_NODE } from "./own-nodes.ts";
import { OwnPoints } from "./own-points.ts";
import { Heartbeat } from "./probe/heartbeat.ts";
import { Probe, type ProbeDeps } from "./probe/probe.ts";
import { connectProbe, type ProbeTarget } from "./probe/probe-link.ts";
import { type OwnGauge, runSelfWatch } from "./self-watch.ts";

export interface SelfCareDeps extends Pick<ProbeDeps, "alarms"> {
  config: Pick<HubConfig, "site" | "storage" | "heartbeat">;
  live: LiveState;
  ingest: Ingest;
  store: Pick<HistoryStore, "totals">;
  quarantine: Quarantine;
  ledger: EventSink;
  /** Where the broker is reached, once it is open. */
  broker(): Promise<ProbeTarget>;
  refusedElsewhere(): number;
  /** What else is measured of the hub. */
  moreGauges?(): OwnGauge[];
  clock: Clock;
  log: Logger;
}

/** The hub watching itself: its own points, the reading that goes all the way, and the beat to the outside. */
export class SelfCare {
  readonly probe: Probe;
  readonly heartbeat: Heartbeat;
  readonly #deps: SelfCareDeps;
  readonly #bootId = randomUUID();
  #gaps = 0;

  constructor(deps: SelfCareDeps) {
    const { config, live, store, alarms, clock, log } = deps;
    this.#deps = deps;
    const site = config.site.id;
    this.heartbeat = new Heartbeat({ targets: config.heartbeat ?? [], site, clock, log });
    this.probe = new Probe({
      ...{ live, store, alarms, clock, log },
      connect: async (signal) => connectProbe(await deps.broker(), clock, signal),
      onGood: () => this.heartbeat.beat(),
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    const { live, ingest, clock, config } = this.#deps;
    const { probe, heartbeat } = this;
    const folder = config.storage.path;
    const own = new OwnPoints({ ...this.#deps, probe, heartbeat, folder });
    const gauges = () => [...own.gauges(), ...(this.#deps.moreGauges?.() ?? [])];
    const watch = {
      ...{ live, clock, bootId: this.#bootId, gauges },
      keep: (readings: Parameters<Ingest["takeOwn"]>[2]) =>
        ingest.takeOwn(HUB_NODE, this.#bootId, readings),
      onGap: (gap: Gap) => this.#declare(gap),
    };
    try {
      await Promise.all([runSelfWatch(watch, signal), probe.run(signal)]);
    } finally {
      own.close();
    }
  }

  /** The hub has no spool: what it could not store of its own is said, like any node's loss. */
  #declare({ from, to, count }: Gap): void {
    const { ledger, clock } = this.#deps;
    this.#gaps += 1;
    const detail =
      "the history took nothing for too long; the hub keeps no spool of its own points";
    const at = clock.nowMs();
    const event = { type: "node", what: "gap", at, detail, from, to, count } as const;
    const name = { node: HUB_NODE, epoch: this.#bootId, seq: this.#gaps };
    ledger.append([{ ...name, receivedAt: at, event }]);
  }
}

interface Gap {
  from: number;
  to: number;
  count: number;
}
