import type { Measurement } from "../reading.ts";
import type { Condition } from "./rule.ts";

/** What one look at the subject says. `hold`: inside the deadband. `unknown`: nothing was measured. */
export type Finding = "breach" | "clear" | "hold" | "unknown";

/** What is known about a point when it is judged. */
export interface Evidence {
  measurement: Measurement;
  /** True when the newest reading is too old to be taken for the present. */
  stale: boolean;
}

/**
 * Judges one point. A missing, stale or uncertain value is `unknown`: it neither raises nor clears a
 * limit; the stale condition is the one that speaks about it.
 */
export function judge(condition: Condition, { measurement, stale }: Evidence): Finding {
  switch (condition.kind) {
    case "stale":
      return stale || measurement.quality === "bad" ? "breach" : "clear";
    case "silent":
      return "unknown";
    case "digital":
      if (stale || measurement.quality !== "good") return "unknown";
      return measurement.value === condition.equals ? "breach" : "clear";
    case "limit": {
      if (stale || measurement.quality !== "good") return "unknown";
      const { above = Infinity, below = -Infinity, deadband } = condition;
      const { value } = measurement;
      if (value > above || value < below) return "breach";
      return value <= above - deadband && value >= below + deadband ? "clear" : "hold";
    }
  }
}

/** A node is judged by its connection alone. */
export function judgeNode(online: boolean): Finding {
  return online ? "clear" : "breach";
}
