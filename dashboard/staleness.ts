import type { PointView } from "../contract/api.ts";
import type { EpochMs } from "../contract/clock.ts";

/** A point as the page holds it: the hub's view plus what only the page has seen. */
export interface HeldPoint {
  view: PointView;
  /** The hub's time the newest reading stands for: never later than when it was heard. */
  freshAt: EpochMs | null;
  /** When a value was last measured, as far as this page or the hub's alarm list knows. */
  lastValueAt: EpochMs | null;
  /** First bad reading in an unbroken run of them, as far as this page has seen. */
  badSince: EpochMs | null;
}

/** What may be said about a point now. Only `value` is the present; a bad point has no number at all. */
export type Showing =
  | { kind: "value"; value: number; ageMs: number; doubt: string | null }
  | { kind: "stale"; value: number | null; ageMs: number }
  | { kind: "bad"; reason: string; ageMs: number }
  | { kind: "never" };

export function showing(point: HeldPoint | undefined, now: EpochMs): Showing {
  if (!point || point.view.quality === "never" || point.freshAt === null) return { kind: "never" };
  const { view, freshAt } = point;
  const ageMs = Math.max(0, now - freshAt);
  if (view.quality === "bad" || view.value === null) {
    const since = point.lastValueAt ?? point.badSince ?? freshAt;
    return { kind: "bad", reason: view.reason ?? "no-answer", ageMs: Math.max(0, now - since) };
  }
  if (ageMs > view.staleAfterMs) return { kind: "stale", value: view.value, ageMs };
  const doubt = view.quality === "uncertain" ? (view.reason ?? "in doubt") : null;
  return { kind: "value", value: view.value, ageMs, doubt };
}

/** The number when it is the present, otherwise null. */
export function current(shown: Showing): number | null {
  return shown.kind === "value" ? shown.value : null;
}

export interface Incoming {
  view: PointView;
  /** The hub's time when the page learned of it. */
  heardAt: EpochMs;
}

/** Takes over a reading and keeps what the last ones taught: when there last was a value. */
export function hold(before: HeldPoint | undefined, { view, heardAt }: Incoming): HeldPoint {
  const freshAt = view.at === null ? null : Math.min(view.at, heardAt);
  const measured = view.value !== null && (view.quality === "good" || view.quality === "uncertain");
  const lastValueAt = measured ? freshAt : (before?.lastValueAt ?? null);
  const badSince = view.quality === "bad" ? (before?.badSince ?? freshAt) : null;
  return { view, freshAt, lastValueAt, badSince };
}

export const HEARTBEAT_LIMIT_MS = 15_000;

/** True when the hub has been silent for so long that nothing on screen may pass for the present. */
export function isHubLost(sinceHeardMs: number): boolean {
  return sinceHeardMs >= HEARTBEAT_LIMIT_MS;
}

const REASONS: Record<string, string> = {
  "no-answer": "sensor does not answer",
  checksum: "damaged data",
  bus: "sensor bus down",
  identity: "wrong sensor",
  "not-ready": "sensor not ready",
  "not-available": "device gives no value",
  range: "outside sensor range",
  wire: "wire open or shorted",
  refused: "device refused",
  reset: "sensor restarted",
  unsupported: "not supported",
  implausible: "implausible",
  frozen: "frozen",
  condensed: "condensation",
  step: "sudden jump",
  clock: "clock uncertain",
};

/** The hub's reason word in plain language; a word unknown here is shown as it came. */
export function reasonText(reason: string): string {
  return REASONS[reason] ?? reason;
}
