import type { Database } from "better-sqlite3";
import type { NodeEvent, SpoolEvent } from "../../contract/message.ts";
import type { Loss } from "./room.ts";

/** Two losses of one point this close are one hole. */
const SAME_HOLE_MS = 3_600_000;
/** A point has at most so many holes of one kind waiting; then the newest grows over what lies between. */
export const MAX_HOLES = 4;

/** What makes two events repeats of one another. */
export function eventSubject(event: SpoolEvent): string {
  switch (event.type) {
    case "door":
      return `door ${event.door} ${event.what}`;
    case "alarm":
      return `alarm ${event.rule} ${event.subject} ${event.what}`;
    case "node":
      return `node ${event.what} ${event.point ?? ""}`;
  }
}

/** A gap event that waits, to be replaced by a wider one. */
export interface WaitingGap extends Loss {
  seq: number;
  bytes: number;
}

/**
 * The gap event that a new loss belongs to, among those after `sent`: what the hub may already have must
 * not change its meaning. Undefined when the loss is a hole of its own.
 */
export function gapToWiden(
  db: Database,
  { loss, detail, sent }: { loss: Loss; detail: string; sent: number },
): WaitingGap | undefined {
  const subject = eventSubject({ ...gapEvent(loss, detail, 0) });
  const waiting = db
    .prepare<[string, number], { seq: number; payload: string }>(
      "SELECT seq, payload FROM rows WHERE class = 1 AND subject = ? AND seq > ? ORDER BY seq DESC",
    )
    .all(subject, sent)
    .flatMap(({ seq, payload }) => {
      const { event } = JSON.parse(payload) as { event: NodeEvent };
      const { from = event.at, to = event.at, count = 0 } = event;
      if (event.detail !== detail) return [];
      return [{ seq, bytes: payload.length, point: loss.point, from, to, count }];
    });
  const near = waiting.find(
    ({ from, to }) => loss.from - to <= SAME_HOLE_MS && from - loss.to <= SAME_HOLE_MS,
  );
  return near ?? (waiting.length >= MAX_HOLES ? waiting[0] : undefined);
}

export function widened(gap: Loss, { point, from, to, count }: Loss): Loss {
  return {
    point,
    from: Math.min(gap.from, from),
    to: Math.max(gap.to, to),
    count: gap.count + count,
  };
}

export function gapEvent(loss: Loss, detail: string, at: number): NodeEvent {
  return { type: "node", what: "gap", at, detail, ...loss };
}
