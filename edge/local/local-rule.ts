import type { AlarmRule } from "../../contract/alarm/rule.ts";

/** A rule of edge.yaml: the same text as in site.yaml, marked `local: true`. */
export interface LocalRule extends AlarmRule {
  /** Patterns of point names. */
  points: string[];
  title?: string;
}
