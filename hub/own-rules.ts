import type { HubConfig, SiteRule } from "./config/hub-config.ts";
import { USUAL_CLIMATE } from "./derived/climate.ts";
import { drillRule } from "./drill/drill-rule.ts";
import { IDENTITY_RULES } from "./identity/identity-rules.ts";
import { channelRule } from "./notify/channel-watch.ts";
import { CLOCK_DIFFERS_POINT, HISTORY_FAILING_POINT } from "./self-watch.ts";
import { selfWatchRules } from "./self-watch-rules.ts";
import { standardRules } from "./standard-rules/rule-set.ts";
import { wallRule } from "./walls/walls.ts";

/** On each node's own word in its status that its disk fails. */
export const NOT_DURABLE: SiteRule = {
  id: "not-durable",
  points: [],
  nodes: ["*"],
  title: "{label} keeps its readings in memory only",
  runbook:
    "Look at the node's disk or card: it is full, worn out or was mounted read-only. Readings still " +
    "reach the hub, but what has not been sent is lost when the node restarts or loses power.",
  priority: 2,
  condition: { kind: "digital", equals: 1 },
  onDelayMs: 30_000,
  offDelayMs: 10_000,
  latch: false,
  receivers: [],
};

/** Who is told of what no rule of the site names anybody for. */
export function toldOfOwn({ receivers, delivery }: HubConfig): string[] {
  return delivery?.paging.unassigned ?? receivers.map(({ id }) => id);
}

/** What the hub watches about itself without being asked. A site's rule of the same id takes its place. */
export function withOwnRules(config: HubConfig): SiteRule[] {
  const { alarms } = config;
  const all = toldOfOwn(config);
  const own = [
    ownRule(all, {
      id: "history-failing",
      // The second one: what each of several workers says of itself.
      points: [HISTORY_FAILING_POINT, "worker-*.history-failing"],
      title: "History store not writing",
      runbook:
        "Look at the hub's log and disk, and at InfluxDB if it is used. The edge nodes keep every " +
        "reading and send it again; nothing is lost until their spools are full.",
    }),
    ownRule(all, {
      id: "hub-clock",
      points: [CLOCK_DIFFERS_POINT],
      title: "Hub clock differs from all nodes",
      runbook:
        "Compare the hub's clock and those of the nodes with a clock you trust, and repair the time " +
        "service of the one that is wrong. While the hub is more than 5 minutes behind, it stores no " +
        "readings; the nodes keep them and send them again once the time is right.",
    }),
    { ...NOT_DURABLE, receivers: all },
    ...selfWatchRules(all),
    drillRule(all),
    channelRule(all),
    wallRule(all),
    ...IDENTITY_RULES.map((rule) => ({ ...ownRule(all, rule), onDelayMs: 0 })),
  ];
  const { site, climate = USUAL_CLIMATE, standardRules: groups = [] } = config;
  const ready = standardRules(groups, { site, climate, receivers: all });
  const usual = [...ready, ...own];
  return [...alarms, ...usual.filter(({ id }) => !alarms.some((rule) => rule.id === id))];
}

function ownRule(
  receivers: string[],
  { points, ...words }: Pick<SiteRule, "id" | "points" | "title" | "runbook">,
): SiteRule {
  return {
    ...words,
    points,
    nodes: [],
    priority: 2,
    condition: { kind: "digital", equals: 1 },
    onDelayMs: 30_000,
    offDelayMs: 10_000,
    latch: false,
    receivers,
  };
}
