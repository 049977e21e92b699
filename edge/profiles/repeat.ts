import type { RawPoint } from "./schema.ts";

/** A point as it is checked and used, and which of the file's points it was written as. */
export interface Expanded {
  point: RawPoint;
  index: number;
}

/** Replaces every point that has `repeat` by the points it stands for. */
export function expandRepeats(points: readonly RawPoint[]): Expanded[] {
  return points.flatMap((point, index) => {
    if (!point.repeat) return [{ point, index }];
    const { from, to, step } = point.repeat;
    return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => ({
      point: numbered(point, from + i, i * step),
      index,
    }));
  });
}

function numbered(point: RawPoint, n: number, shift: number): RawPoint {
  const text = (pattern: string) => pattern.replaceAll("{n}", String(n));
  const { repeat: _, ...rest } = point;
  return {
    ...rest,
    id: text(point.id),
    ...(point.label !== undefined && { label: text(point.label) }),
    ...(point.address !== undefined && { address: point.address + shift }),
    ...(point.bit && { bit: { ...point.bit, of: text(point.bit.of), bit: point.bit.bit } }),
    ...(point.equals && { equals: { ...point.equals, of: text(point.equals.of) } }),
  };
}
