import type { HubConfig, SiteRule } from "./config/hub-config.ts";
import { HISTORY_FAILING_POINT } from "./self-watch.ts";

/** What the hub watches about itself without being asked. A site's rule of the same id takes its place. */
export function withOwnRules({ alarms, receivers }: HubConfig): SiteRule[] {
  const historyFailing: SiteRule = {
    id: "history-failing",
    priority: 2,
    condition: { kind: "digital", equals: 1 },
    onDelayMs: 30_000,
    offDelayMs: 10_000,
    latch: false,
    points: [HISTORY_FAILING_POINT],
    nodes: [],
    title: "History store not writing",
    runbook:
      "Look at the hub's log and disk, and at InfluxDB if it is used. The edge nodes keep every " +
      "reading and send it again; nothing is lost until their spools are full.",
    receivers: receivers.map(({ id }) => id),
  };
  const replaced = alarms.some(({ id }) => id === historyFailing.id);
  return replaced ? alarms : [...alarms, historyFailing];
}
