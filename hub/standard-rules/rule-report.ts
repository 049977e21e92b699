import { globMatcher } from "../../contract/id.ts";
import type { Birth, PointInfo } from "../../contract/message.ts";
import type { HubConfig } from "../config/hub-config.ts";
import { USUAL_CLIMATE } from "../derived/climate.ts";
import { planDerived } from "../derived/derived-points.ts";
import { isOwnNode } from "../own-nodes.ts";
import { withOwnRules } from "../own-rules.ts";

/** For each rule on points, to how many of those offered now it applies; one line each. */
export function ruleReport(config: HubConfig, births: readonly Birth[]): string[] {
  const offered: PointInfo[] = births
    .filter(({ node }) => !isOwnNode(node))
    .flatMap(({ points }) => points);
  const { site, climate = USUAL_CLIMATE } = config;
  const derived = planDerived({ site, climate }, offered);
  const ids = [...offered.map(({ id }) => id), ...derived.map(({ info }) => info.id)];
  const nodes = births.filter(({ node }) => !isOwnNode(node)).map(({ node }) => node);
  const own = new Set(config.alarms.map(({ id }) => id));
  const standard = new Set(config.standardRules ?? []);
  const lines = withOwnRules(config)
    .filter(({ points, nodes }) => ![...points, ...nodes].some((one) => one.startsWith("hub")))
    .map((rule) => {
      const subjects = rule.nodes.length > 0 ? nodes : ids;
      const matchers = [...rule.points, ...rule.nodes].map(globMatcher);
      const count = subjects.filter((id) => matchers.some((matches) => matches(id))).length;
      const what = rule.nodes.length > 0 ? "node" : "point";
      const from = own.has(rule.id) ? "site.yaml" : "ready-made";
      return `  ${rule.id.padEnd(22)} ${String(count).padStart(6)} ${what}${count === 1 ? "" : "s"}  (${from})`;
    });
  const on = standard.size > 0 ? [...standard].join(", ") : "none";
  return [
    `${offered.length} points of ${nodes.length} nodes known, ${derived.length} derived; ready-made groups: ${on}`,
    ...lines,
  ];
}
