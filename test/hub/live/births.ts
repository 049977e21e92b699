import type { Birth, PointInfo } from "../../../contract/message.ts";

/** A birth of `node` with temperature points read every 10 s; `doors` also get their contact point. */
export function birthOf(node: string, points: string[], doors: string[] = []): Birth {
  return {
    v: 1,
    node,
    label: node,
    software: "1.0.0",
    bootId: "boot-1",
    epoch: "epoch-1",
    at: 1,
    points: [
      ...points.map(
        (id): PointInfo => ({ id, quantity: "temperature", label: id, periodMs: 10_000 }),
      ),
      ...doors.map(
        (id): PointInfo => ({ id: `${id}.open`, quantity: "flag", label: id, periodMs: 10_000 }),
      ),
    ],
    doors: doors.map((id) => ({ id, label: id })),
  };
}
