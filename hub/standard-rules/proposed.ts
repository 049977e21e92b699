import { globMatcher } from "../../contract/id.ts";
import type { PointInfo, ProposedAlarm } from "../../contract/message.ts";
import type { SiteRule } from "../config/hub-config.ts";

export interface ProposedDeps {
  rules: readonly SiteRule[];
  point(id: string): { info: PointInfo } | undefined;
  receivers: readonly string[];
}

/** What a device's own description proposes to watch, for points whose value no rule judges. */
export function proposedRules({ rules, point, receivers }: ProposedDeps) {
  const judged = rules
    .filter(({ condition: { kind } }) => kind === "limit" || kind === "digital")
    .flatMap(({ points }) => points.map(globMatcher));
  const ids = new Set(rules.map(({ id }) => id));
  return (id: string): SiteRule[] => {
    const { info } = point(id) ?? {};
    if (!info?.alarms || judged.some((matches) => matches(id))) return [];
    return info.alarms
      .filter((alarm) => !ids.has(alarm.id))
      .flatMap((alarm) => ruleOf(alarm, id, receivers) ?? []);
  };
}

function ruleOf(
  alarm: ProposedAlarm,
  point: string,
  receivers: readonly string[],
): SiteRule | undefined {
  const { id, above, below, deadband = 0, equals, onDelayMs = 0, priority, title } = alarm;
  const isLimit = above !== undefined || below !== undefined;
  if (!isLimit && equals === undefined) return undefined;
  return {
    ...{ id, priority, points: [point], nodes: [], latch: false },
    ...{ onDelayMs, offDelayMs: onDelayMs, receivers: [...receivers], runbook: RUNBOOK },
    title: title ? `{place}: ${title}` : isLimit ? "{label} {value}" : "{label}: {value}",
    condition: isLimit
      ? {
          ...{ kind: "limit", deadband },
          ...(above === undefined ? {} : { above }),
          ...(below === undefined ? {} : { below }),
        }
      : { kind: "digital", equals: equals ?? 1 },
  };
}

const RUNBOOK =
  "The device itself reports this. Look at its panel and its manual; if it does not end, call its service.";
