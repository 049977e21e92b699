import { statfsSync } from "node:fs";
import { type IntervalHistogram, monitorEventLoopDelay } from "node:perf_hooks";
import type { Clock } from "../contract/clock.ts";
import type { Ingest } from "./ingest/ingest.ts";
import type { Quarantine } from "./ingest/quarantine.ts";
import type { LiveNode, LiveState } from "./live/live-state.ts";
import { isOwnNode } from "./own-nodes.ts";
import type { ProbeState, Stage } from "./probe/probe.ts";
import { RecentCount } from "./recent-count.ts";
import type { OwnGauge } from "./self-watch.ts";
import { shortName } from "./short-name.ts";

/** Codes of the point `hub.self-check`. 6: the store alarm says it already. */
const STAGE_CODES: Record<Stage, number> = {
  ...{ broker: 1, ingest: 2, store: 3, "read-back": 4, alarms: 5, probe: 7 },
};
export const STORE_KNOWN_CODE = 6;
const STAGE_WORDS: Record<string, string> = {
  "0": "good",
  "1": "fails at the broker",
  "2": "fails at the ingest",
  "3": "fails at the history store",
  "4": "fails reading back from the history",
  "5": "fails at the alarm engine",
  "6": "waits for the history store",
  "7": "does not come to an end",
};
const LAGGING_MS = 30_000;
const LOOP_SAMPLE_MS = 20;

export interface OwnPointDeps {
  ingest: Pick<
    Ingest,
    "storeError" | "storeLagMs" | "clockDiffers" | "waiting" | "totals" | "isLoud"
  >;
  live: Pick<LiveState, "nodes">;
  quarantine: Pick<Quarantine, "held">;
  probe: { state(): ProbeState };
  heartbeat: { overdue(): number };
  /** Requests and connections refused, beside the rows. */
  refusedElsewhere(): number;
  /** Folder of hub.db and the embedded history. */
  folder: string;
  clock: Pick<Clock, "monoMs">;
}

/** Everything the hub measures of itself. `close` ends the measuring of the event loop. */
export class OwnPoints {
  readonly #deps: OwnPointDeps;
  readonly #loopDelay: IntervalHistogram = monitorEventLoopDelay({ resolution: LOOP_SAMPLE_MS });
  readonly #fixed: OwnGauge[];
  /** Nodes that were once loud, over their quota or in conflict: their point stays, so that the alarm ends. */
  readonly #troubled = new Map<string, Set<string>>();

  constructor(deps: OwnPointDeps) {
    this.#deps = deps;
    this.#loopDelay.enable();
    this.#fixed = [...this.#conditions(), ...this.#amounts(), ...this.#machine()];
  }

  gauges = (): OwnGauge[] => [
    ...this.#fixed,
    ...[...this.#deps.live.nodes()].filter(({ id }) => !isOwnNode(id)).flatMap(this.#ofNode),
  ];

  close(): void {
    this.#loopDelay.disable();
  }

  #conditions(): OwnGauge[] {
    const { ingest, heartbeat } = this.#deps;
    return [
      flag("history-failing", "History store not writing", () => this.#historyFails()),
      flag("clock-differs", "Hub clock differs from all nodes", () => ingest.clockDiffers()),
      {
        ...{ role: "self-check", quantity: "state", label: "Hub self-check", states: STAGE_WORDS },
        read: () => this.#selfCheck(),
      },
      count("heartbeats-overdue", "Outside watchers that take no heartbeat", () =>
        heartbeat.overdue(),
      ),
    ];
  }

  #amounts(): OwnGauge[] {
    const { ingest, quarantine, refusedElsewhere, clock } = this.#deps;
    const dropped = new RecentCount(() => ingest.totals().dropped, clock);
    const quarantined = new RecentCount(() => ingest.totals().quarantined, clock);
    const refused = new RecentCount(() => ingest.totals().refused + refusedElsewhere(), clock);
    return [
      {
        ...{ role: "store-lag", quantity: "duration", label: "Oldest reading not stored yet" },
        read: () => ingest.storeLagMs() / 1_000,
      },
      count("queue", "Readings waiting for the history store", () => ingest.waiting()),
      count("dropped", "Messages not taken in 10 min, sent again by their nodes", () =>
        dropped.recent(),
      ),
      count("quarantined", "Rows put in quarantine in 10 min", () => quarantined.recent()),
      count("quarantine", "Rows in quarantine", () => quarantine.held()),
      count("refused", "Messages, rows and connections refused in 10 min", () => refused.recent()),
    ];
  }

  #machine(): OwnGauge[] {
    const { folder } = this.#deps;
    return [
      {
        ...{ role: "store-disk-free", quantity: "level", label: "Hub disk free" },
        read: () => diskFreePercent(folder),
      },
      count("memory", "Hub memory, MB", () => Math.round(process.memoryUsage.rss() / 1e6)),
      {
        ...{ role: "loop-lag", quantity: "duration", label: "Hub program late (99 %)" },
        read: () => this.#loopLagS(),
      },
    ];
  }

  #ofNode = (node: LiveNode): OwnGauge[] => {
    const { ingest } = this.#deps;
    const gauges: OwnGauge[] = [];
    const name = shortName(node.id);
    const { label } = node.birth;
    const { skewMs } = node;
    // A node that is away has no clock to compare: its point is withdrawn, and with it the alarm.
    if (node.online && skewMs !== null)
      gauges.push({
        ...{ role: `skew.${name}`, quantity: "duration", label: `Clock error of ${label}` },
        read: () => Math.abs(skewMs) / 1_000,
      });
    const troubles: [role: string, label: string, is: boolean][] = [
      ["loud", `${label} sends more than it may`, ingest.isLoud(node.id)],
      ["over-quota", `${label} offers more points than it may`, node.overQuota],
      ["identity", `Two machines use the node name ${label}`, node.inConflict],
    ];
    for (const [role, text, is] of troubles) {
      if (!is && !this.#troubled.get(node.id)?.has(role)) continue;
      const known = this.#troubled.get(node.id) ?? new Set();
      this.#troubled.set(node.id, known.add(role));
      gauges.push(flag(`${role}.${name}`, text, () => is));
    }
    return gauges;
  };

  #historyFails(): boolean {
    const { ingest } = this.#deps;
    return ingest.storeError() !== null || ingest.storeLagMs() > LAGGING_MS;
  }

  #selfCheck(): number | undefined {
    const state = this.#deps.probe.state();
    if (state.kind === "starting") return undefined;
    if (state.kind === "good") return 0;
    const known = state.stage === "store" && this.#historyFails();
    return known ? STORE_KNOWN_CODE : STAGE_CODES[state.stage];
  }

  #loopLagS(): number {
    // The histogram holds whole turns: the wait that was asked for, and what came on top.
    const lateS = this.#loopDelay.percentile(99) / 1e9 - LOOP_SAMPLE_MS / 1_000;
    this.#loopDelay.reset();
    return Number.isFinite(lateS) ? Math.max(0, lateS) : 0;
  }
}

const flag = (role: string, label: string, is: () => boolean): OwnGauge => ({
  ...{ role, quantity: "flag", label },
  read: () => (is() ? 1 : 0),
});

const count = (role: string, label: string, read: () => number): OwnGauge => ({
  ...{ role, quantity: "count", label },
  read,
});

function diskFreePercent(folder: string): number | undefined {
  try {
    const { bavail, blocks } = statfsSync(folder);
    return blocks === 0 ? undefined : (100 * bavail) / blocks;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    return undefined;
  }
}
