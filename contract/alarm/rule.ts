/**
 * 1 critical: act now. 2 high: act this hour. 3 low: act this shift. 4 note.
 * Each has its own colour, shape and numeral on screen.
 */
export type Priority = 1 | 2 | 3 | 4;

/** What makes a subject abnormal. Limits are in the unit of the point's quantity. */
export type Condition =
  /** Breach when > `above` or < `below`; clear only when back inside by `deadband`. */
  | { kind: "limit"; above?: number; below?: number; deadband: number }
  /** Breach when the value is `equals`, or one of several codes. */
  | { kind: "digital"; equals: number | readonly number[] }
  /** Breach when highest minus lowest good value of the last `windowMs` is > `above`. */
  | { kind: "swing"; above: number; windowMs: number }
  /** Breach when the sensor is there but its value has not moved for longer than it ever should. */
  | { kind: "frozen" }
  /** Breach when the point has had no good or uncertain value for longer than its stale time. */
  | { kind: "stale" }
  /** Breach when the node is not connected. */
  | { kind: "silent" };

/** One rule text, on the hub for everything and on the edge for rules marked `local`. */
export interface AlarmRule {
  id: string;
  priority: Priority;
  condition: Condition;
  /** How long a breach must last before the alarm is raised. */
  onDelayMs: number;
  /** How long the condition must be clear before the alarm clears. */
  offDelayMs: number;
  /** A latched alarm stays after its condition clears, until somebody acknowledges and resets it. */
  latch: boolean;
  /** Sound again when acknowledged but still active after this long. */
  reAlarmMs?: number;
}
