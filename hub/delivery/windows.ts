import type { Priority } from "../../contract/alarm/rule.ts";
import type { EpochMs } from "../../contract/clock.ts";
import { globMatcher } from "../../contract/id.ts";
import type { DeliveryConfig, MaintenanceWindow } from "../config/delivery-config.ts";
import { coveredUntil } from "./recurrence.ts";

/** Why a page waits, and until when. */
export interface Hold {
  until: EpochMs;
  why: "maintenance" | "quiet";
  /** The window's reason. */
  reason: string | null;
}

interface Held {
  rule: string;
  subject: string;
  priority: Priority;
}

/** The hours in which pages wait. Windows that follow one another hold from one to the next. */
export class Windows {
  readonly #quiet: DeliveryConfig["quiet"];
  readonly #maintenance: { window: MaintenanceWindow; covers: (held: Held) => boolean }[];

  constructor({ maintenance, quiet }: Pick<DeliveryConfig, "maintenance" | "quiet">) {
    this.#quiet = quiet;
    this.#maintenance = maintenance.map((window) => ({ window, covers: coverOf(window) }));
  }

  maintenance(held: Held, now: EpochMs): Hold | null {
    for (const { window, covers } of this.#maintenance) {
      const until = covers(held) ? coveredUntil(window.series, now) : null;
      if (until !== null) return { until, why: "maintenance", reason: window.reason };
    }
    return null;
  }

  quiet({ priority }: Held, now: EpochMs): Hold | null {
    for (const { priorities, series } of this.#quiet) {
      const until = priorities.includes(priority) ? coveredUntil(series, now) : null;
      if (until !== null) return { until, why: "quiet", reason: null };
    }
    return null;
  }
}

function coverOf({ rules, subjects }: MaintenanceWindow): (held: Held) => boolean {
  const any = (globs: readonly string[]) => {
    const matchers = globs.map(globMatcher);
    return (name: string) => globs.length === 0 || matchers.some((matches) => matches(name));
  };
  const [isRule, isSubject] = [any(rules), any(subjects)];
  return ({ rule, subject }) => isRule(rule) && isSubject(subject);
}
