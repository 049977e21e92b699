import { stringify } from "yaml";
import type { Condition } from "../../contract/alarm/rule.ts";
import type { SiteRule } from "../config/hub-config.ts";

/** A rule as it could stand under `alarms` in site.yaml: read again it is the same rule. */
export function textOfRule(rule: SiteRule): string {
  const { id, points, nodes, priority, title, runbook, receivers, latch, reAlarmMs, local } = rule;
  const text = {
    id,
    ...(points.length > 0 && { points }),
    ...(nodes.length > 0 && { nodes }),
    ...conditionText(rule.condition),
    ...(rule.onDelayMs > 0 && { onDelay: durationText(rule.onDelayMs) }),
    ...(rule.offDelayMs > 0 && { offDelay: durationText(rule.offDelayMs) }),
    ...(reAlarmMs !== undefined && { reAlarm: durationText(reAlarmMs) }),
    ...(latch && { latch }),
    ...(local && { local }),
    ...{ priority, title },
    ...(runbook !== null && { runbook }),
    ...(receivers.length > 0 && { receivers }),
  };
  return stringify(text, { lineWidth: 0 });
}

function conditionText(condition: Condition): object {
  switch (condition.kind) {
    case "limit": {
      const { above, below, deadband } = condition;
      return {
        ...(above !== undefined && { above }),
        ...(below !== undefined && { below }),
        ...(deadband > 0 && { deadband }),
      };
    }
    case "digital":
      return { equals: condition.equals };
    case "swing":
      return { swing: { above: condition.above, window: durationText(condition.windowMs) } };
    default:
      return { [condition.kind]: true };
  }
}

const UNITS = [
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
] as const;

/** In the largest unit that says it in a whole number. */
function durationText(ms: number): string {
  const [size, unit] = UNITS.find(([each]) => ms % each === 0) ?? [1, "ms"];
  return `${ms / size}${unit}`;
}
