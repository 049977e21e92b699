import type { PowerUnit } from "../../contract/site.ts";
import type { Rect } from "./plan-layout.ts";

export interface PlacedUnit {
  /** One unit, or several of a kind folded into one box. */
  units: PowerUnit[];
  rect: Rect;
  /** Middle of the box: wires meet it here. */
  y: number;
}
export interface Wire {
  from: PlacedUnit;
  path: string;
}
export interface FeedBar {
  feed: "A" | "B";
  x: number;
  y: number;
  w: number;
}
export interface OneLine {
  boxes: PlacedUnit[];
  wires: Wire[];
  feeds: FeedBar[];
}

type Kind = PowerUnit["kind"];
/** Boxes of one kind side by side in one feed; more are folded into one. */
const MOST = { utility: 1, generator: 1, transfer: 1, ups: 2, pdu: 4 } as const;
const COLUMNS = ["utility", "transfer", "ups", "pdu"] as const;
const WISH_W: Record<Kind, number> = {
  utility: 182,
  generator: 182,
  transfer: 150,
  ups: 236,
  pdu: 164,
};
const GAP = 24;
const FEED_W = 214;
const BOX_H = 60;
const MIDDLE_H = 34;
const MIDDLE_EXTRA_W = 46;
const EDGE = 6;

function fold(units: PowerUnit[], kind: Kind): PowerUnit[][] {
  if (units.length === 0) return [];
  return units.length > MOST[kind] ? [units] : units.map((unit) => [unit]);
}

/** The power chain from left to right, feed A above, feed B below, what belongs to neither between them. */
export function layoutOneLine(
  units: readonly PowerUnit[],
  size: { w: number; h: number },
): OneLine {
  const rows = [
    { feed: "A", y: EDGE + BOX_H / 2 },
    { feed: undefined, y: size.h / 2 },
    { feed: "B", y: size.h - EDGE - BOX_H / 2 },
  ] as const;
  const grouped = rows.map(({ feed }) =>
    COLUMNS.map((kind) =>
      fold(
        units.filter(
          (unit) =>
            unit.feed === feed &&
            (unit.kind === kind || (kind === "utility" && unit.kind === "generator")),
        ),
        kind,
      ),
    ),
  );
  const counts = COLUMNS.map((_, column) =>
    Math.max(...grouped.map((row) => row[column]?.length ?? 0)),
  );
  const used = counts.reduce((sum, n, i) => sum + n * (WISH_W[COLUMNS[i] ?? "pdu"] + GAP), 0);
  const scale = Math.min(1.25, (size.w - 2 * EDGE) / (used + FEED_W));
  const middleH = Math.min(MIDDLE_H, size.h - 2 * (BOX_H + EDGE + 5));
  const boxes: PlacedUnit[] = [];
  let x = EDGE;
  COLUMNS.forEach((kind, column) => {
    const w = WISH_W[kind] * scale;
    grouped.forEach((row, r) => {
      row[column]?.forEach((group, i) => {
        const y = rows[r]?.y ?? 0;
        const left = x + i * (w + GAP * scale);
        // Between the feeds there is room to the side, but little height.
        const box = r === 1 ? { w: w + GAP * scale + MIDDLE_EXTRA_W, h: middleH } : { w, h: BOX_H };
        boxes.push({ units: group, y, rect: { x: left, y: y - box.h / 2, ...box } });
      });
    });
    x += (counts[column] ?? 0) * (w + GAP * scale);
  });
  const feeds = (["A", "B"] as const)
    .filter((feed) => units.some((unit) => unit.feed === feed))
    .map((feed) => ({
      feed,
      x: x + 4,
      y: rows.find((row) => row.feed === feed)?.y ?? 0,
      w: size.w - EDGE - x - 4,
    }));
  return { boxes, wires: wires(boxes, feeds), feeds };
}

function wires(boxes: readonly PlacedUnit[], feeds: readonly FeedBar[]): Wire[] {
  const found: Wire[] = [];
  const holder = (id: string) => boxes.find((box) => box.units.some((unit) => unit.id === id));
  for (const box of boxes) {
    const sources = new Set(box.units.flatMap((unit) => unit.fedBy).map(holder));
    for (const from of sources)
      if (from && from !== box) found.push({ from, path: wirePath(from, box) });
  }
  for (const { feed, x, y } of feeds) {
    const ends = boxes.filter((box) => box.y === y && box.units.some((unit) => unit.feed === feed));
    const last = ends.at(-1);
    if (last) found.push({ from: last, path: `M${last.rect.x + last.rect.w} ${y}H${x}` });
  }
  return found;
}

/** Along the row to the next box; from another row first sideways, then up or down into it. */
function wirePath(from: PlacedUnit, to: PlacedUnit): string {
  const start = from.rect.x + from.rect.w;
  if (from.y === to.y) return `M${start} ${from.y}H${to.rect.x}`;
  const into = to.rect.x + Math.min(70, to.rect.w / 3);
  const edge = to.y < from.y ? to.rect.y + to.rect.h : to.rect.y;
  return `M${start} ${from.y}H${into}V${edge}`;
}
