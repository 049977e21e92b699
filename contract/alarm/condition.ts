import type { Measurement } from "../reading.ts";
import type { Condition } from "./rule.ts";
import type { Swing } from "./swing.ts";

/** What one look at the subject says. `hold`: inside the deadband. `unknown`: nothing was measured. */
export type Finding = "breach" | "clear" | "hold" | "unknown";

/** What is known about a point when it is judged. */
export interface Evidence {
  measurement: Measurement;
  /** True when the newest reading is too old to be taken for the present. */
  stale: boolean;
  /** The window of a swing condition. */
  window?: Swing;
}

/**
 * Judges one point. A missing, stale or uncertain value is `unknown`: it neither raises nor clears a
 * limit; the stale condition is the one that speaks about it.
 */
export function judge(condition: Condition, { measurement, stale, window }: Evidence): Finding {
  switch (condition.kind) {
    case "stale":
      return stale || measurement.quality === "bad" ? "breach" : "clear";
    case "silent":
      return "unknown";
    case "frozen":
      if (stale || measurement.quality === "bad") return "unknown";
      if (measurement.quality === "good") return "clear";
      return measurement.reason === "frozen" ? "breach" : "unknown";
    case "digital": {
      if (stale || measurement.quality !== "good") return "unknown";
      const { equals } = condition;
      const { value } = measurement;
      const hit = typeof equals === "number" ? value === equals : equals.includes(value);
      return hit ? "breach" : "clear";
    }
    case "swing": {
      if (stale || measurement.quality !== "good" || !window || window.swing === null)
        return "unknown";
      if (window.swing > condition.above) return "breach";
      // What was before the window is not known: it neither raises nor clears.
      return window.covered ? "clear" : "unknown";
    }
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
