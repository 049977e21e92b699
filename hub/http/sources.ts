import type { Command } from "../../contract/alarm/engine.ts";
import type { AlarmView, NotificationView } from "../../contract/api.ts";
import type { Clock } from "../../contract/clock.ts";
import type { SiteModel } from "../../contract/site.ts";
import type { AlarmCare } from "../alarm-health/alarm-care.ts";
import type { CompletenessReporter } from "../history/completeness-report.ts";
import type { HistoryReader } from "../history/history-reader.ts";
import type { IncidentSource } from "../incidents/incident-room.ts";
import type { Quarantine } from "../ingest/quarantine.ts";
import type { QuarantineDesk } from "../ingest/quarantine-desk.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { LiveState } from "../live/live-state.ts";
import type { HeartbeatView } from "../probe/heartbeat.ts";
import type { ProbeState } from "../probe/probe.ts";
import type { Walls } from "../walls/walls.ts";

/** What the HTTP part needs of the rest of the hub, and no more. */
export interface HttpSources {
  site: SiteModel;
  live: Pick<
    LiveState,
    "point" | "points" | "node" | "nodes" | "doors" | "isStale" | "ageMs" | "doorNow" | "forget"
  >;
  history: Pick<HistoryReader, "kind" | "history">;
  completeness: Pick<CompletenessReporter, "report">;
  ingest: {
    storeLagMs(): number;
    storeError(): string | null;
    totals(): { stored: number; refused: number; quarantined: number; dropped: number };
  };
  /** The hub's check of itself, and who outside is told that it is well. */
  probe: { state(): ProbeState };
  heartbeat: { views(): HeartbeatView[] };
  quarantine: Pick<Quarantine, "list" | "count" | "held" | "reasons">;
  desk: Pick<QuarantineDesk, "release" | "drop">;
  alarms: {
    views(): AlarmView[];
    view(id: string): AlarmView | undefined;
    command(id: string, order: Command): AlarmView | undefined;
    /** Why changes of alarms cannot be written down; null while all is well. */
    saveError(): string | null;
  };
  /** Left out where alarms are not folded. */
  incidents?: IncidentSource;
  /** Left out where nobody looks after the alarms themselves. */
  alarmCare?: AlarmCare;
  ledger: Pick<Ledger, "read" | "verifyInPages" | "appendOwn">;
  outbox: {
    list(query: { limit: number }): NotificationView[];
    counts(): { queued: number; failed: number };
  };
  /** Left out where no screen is watched. */
  walls?: Pick<Walls, "heard">;
  clock: Clock;
  /** /metrics holds every point, too. */
  pointMetrics?: boolean;
}
