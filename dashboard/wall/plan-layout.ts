import type { Rack, Room } from "../../contract/site.ts";

export interface Rect {
  x: number;
  y: number;
  w: number;
  h: number;
}
export interface PlacedRack {
  rack: Rack;
  /** The label without its row's, for a narrow tile: `01` of `A01`. */
  shortLabel: string;
  rect: Rect;
}
export interface PlacedCooling {
  id: string;
  label: string;
  rect: Rect;
}
export interface PlacedDoor {
  id: string;
  label: string;
  /** Middle of the opening, on the wall line. */
  x: number;
  y: number;
  wall: "north" | "south" | "west" | "east";
  /** Nearer to the top wall than to the bottom one. */
  isUpper: boolean;
}
export interface PlacedAisle {
  kind: "hot" | "cold";
  label: string;
  points: readonly string[];
  rect: Rect;
  /** Where its name stands: away from a wall, where doors have theirs. */
  labelAt: "top" | "middle" | "bottom";
}
export interface PlacedRoom {
  room: Room;
  /** The walls. The title stands above them. */
  walls: Rect;
  racks: PlacedRack[];
  rowLabels: { label: string; x: number; y: number }[];
  aisles: PlacedAisle[];
  cooling: PlacedCooling[];
  doors: PlacedDoor[];
}

export const TITLE_H = 26;
const ROOM_GAP = 18;
/** Between equal shares and shares by floor area: a small room still needs a tile's width. */
const AREA_POWER = 0.75;
const RACK_DEPTH_M = 1.2;
const RACK_WIDTH_M = 0.6;
/** Racks are what people look for: their share of the panel is larger than on the floor. */
const RACK_STRETCH = { x: 1.7, y: 2 };
const TILE_GAP = 2.5;
const COOLING_MAX = { w: 150, h: 190 };
const COOLING_M = { w: 2, h: 3 };
const MARGIN = 8;
/** A narrower cooling unit has room for one line only, set upright. */
export const NARROW_W = 60;

interface Interval {
  from: number;
  to: number;
}

/** Turns metres into pixels; intervals that hold racks get more of them. Order and side never change. */
function axis(
  lengthM: number,
  px: number,
  { racks, stretch }: { racks: Interval[]; stretch: number },
) {
  const merged: Interval[] = [];
  for (const next of [...racks].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && next.from <= last.to) last.to = Math.max(last.to, next.to);
    else merged.push({ ...next });
  }
  const weigh = (m: number) =>
    merged.reduce(
      (sum, { from, to }) => sum + (Math.min(Math.max(m, from), to) - from) * (stretch - 1),
      m,
    );
  const scale = px / weigh(lengthM);
  return (m: number) => weigh(Math.min(Math.max(m, 0), lengthM)) * scale;
}

/** A row runs along the axis on which its racks differ most; the pitch is the smallest step between two. */
function rowShape(racks: readonly Rack[]): { w: number; h: number } {
  const spread = (values: number[]) => Math.max(...values) - Math.min(...values);
  const xs = racks.map((rack) => rack.at.x);
  const ys = racks.map((rack) => rack.at.y);
  const isUpright = spread(ys) > spread(xs);
  const along = (isUpright ? ys : xs).sort((a, b) => a - b);
  const steps = along.slice(1).map((value, i) => value - (along[i] ?? value));
  const positive = steps.filter((step) => step > 0.05);
  const pitch = positive.length > 0 ? Math.min(...positive) : RACK_WIDTH_M;
  return isUpright ? { w: RACK_DEPTH_M, h: pitch } : { w: pitch, h: RACK_DEPTH_M };
}

const overlaps = (a: Interval, b: Interval) => a.from < b.to && b.from < a.to;
const across = (r: Rect): Interval => ({ from: r.x, to: r.x + r.w });
const down = (r: Rect): Interval => ({ from: r.y, to: r.y + r.h });

export function layoutRoom(room: Room, box: Rect): PlacedRoom {
  const walls = { x: box.x + 2, y: box.y + TITLE_H, w: box.w - 4, h: box.h - TITLE_H - 2 };
  const shapes = room.rows.map((row) => ({ row, shape: rowShape(row.racks) }));
  const all = shapes.flatMap(({ row, shape }) => row.racks.map((rack) => ({ row, rack, shape })));
  const span = (at: number, size: number) => ({ from: at, to: at + size });
  const toX = axis(room.widthM, walls.w, {
    racks: all.map(({ rack, shape }) => span(rack.at.x, shape.w)),
    stretch: RACK_STRETCH.x,
  });
  const toY = axis(room.depthM, walls.h, {
    racks: all.map(({ rack, shape }) => span(rack.at.y, shape.h)),
    stretch: RACK_STRETCH.y,
  });
  const rectOf = (x: number, y: number, size: { w: number; h: number }): Rect => {
    const left = toX(x);
    const top = toY(y);
    return {
      x: walls.x + left,
      y: walls.y + top,
      w: toX(x + size.w) - left - TILE_GAP,
      h: toY(y + size.h) - top - TILE_GAP,
    };
  };
  const racks = all.map(({ row, rack, shape }) => ({
    rack,
    shortLabel: shortLabel(rack.label, row.label),
    rect: rectOf(rack.at.x, rack.at.y, shape),
  }));
  const labels = rowLabels(racks, room);
  const obstacles = [
    ...racks.map((placed) => placed.rect),
    ...labels.map(({ x, y }) => ({ x: x - 14, y: y - 30, w: 28, h: 40 })),
  ];
  const cooling: PlacedCooling[] = [];
  for (const unit of room.cooling) {
    const rect = coolingRect(rectOf(unit.at.x, unit.at.y, COOLING_M), walls, obstacles);
    obstacles.push(rect);
    cooling.push({ id: unit.id, label: unit.label, rect });
  }
  const aisles = room.aisles.map((aisle) => {
    const { x, w } = rectOf(aisle.at.x, aisle.at.y, { w: aisle.widthM, h: 0 });
    const gap = gapAround(
      walls.y + toY(aisle.at.y) + 1,
      walls,
      racks.map((r) => r.rect).filter((r) => overlaps(across(r), { from: x, to: x + w })),
    );
    const rect = { x, y: gap.from, w, h: gap.to - gap.from };
    const labelAt =
      gap.from === walls.y ? "bottom" : gap.to === walls.y + walls.h ? "top" : "middle";
    return { ...aisle, rect, labelAt } as const;
  });
  const doors = room.doors.map((door) => placeDoor(door, room, { walls, toX, toY }));
  return { room, walls, racks, rowLabels: labels, aisles, cooling, doors };
}

function shortLabel(label: string, row: string): string {
  return label.startsWith(row) && label.length > row.length ? label.slice(row.length) : label;
}

function rowLabels(racks: readonly PlacedRack[], room: Room) {
  return room.rows.flatMap((row) => {
    const first = racks.find((placed) => placed.rack.id === row.racks[0]?.id)?.rect;
    return first ? [{ label: row.label, x: first.x - 16, y: first.y + first.h / 2 + 10 }] : [];
  });
}

/** As large as is useful, but inside the walls and clear of racks and of units placed before. */
function coolingRect(wish: Rect, walls: Rect, obstacles: readonly Rect[]): Rect {
  const right = walls.x + walls.w - MARGIN;
  const bottom = walls.y + walls.h - MARGIN;
  const x = Math.max(walls.x + MARGIN, wish.x);
  const y = Math.max(walls.y + MARGIN, wish.y);
  const rect = {
    x,
    y,
    w: Math.min(COOLING_MAX.w, right - x),
    h: Math.min(COOLING_MAX.h, bottom - y),
  };
  for (const other of obstacles) {
    if (other.x <= rect.x || !overlaps(down(other), down(rect))) continue;
    rect.w = Math.min(rect.w, other.x - rect.x - MARGIN);
    // A cooler within a row is as deep as the row.
    if (rect.w < NARROW_W) rect.h = Math.min(rect.h, other.h);
  }
  for (const other of obstacles)
    if (other.y > rect.y && overlaps(across(other), across(rect)))
      rect.h = Math.min(rect.h, other.y - rect.y - MARGIN);
  return rect;
}

/** The open strip between the rows above and below a height. */
function gapAround(y: number, walls: Rect, racks: readonly Rect[]): Interval {
  const gap = { from: walls.y, to: walls.y + walls.h };
  for (const rack of racks) {
    if (rack.y + rack.h <= y) gap.from = Math.max(gap.from, rack.y + rack.h);
    if (rack.y >= y) gap.to = Math.min(gap.to, rack.y);
  }
  return gap;
}

function placeDoor(
  door: Room["doors"][number],
  room: Room,
  plan: { walls: Rect; toX: (m: number) => number; toY: (m: number) => number },
): PlacedDoor {
  const { x, y } = door.at;
  const { walls, toX, toY } = plan;
  const reach = { north: y, south: room.depthM - y, west: x, east: room.widthM - x };
  const wall = (Object.keys(reach) as (keyof typeof reach)[]).reduce((best, side) =>
    reach[side] < reach[best] ? side : best,
  );
  const inX = Math.min(Math.max(toX(x), 34), walls.w - 34);
  const inY = Math.min(Math.max(toY(y), 34), walls.h - 34);
  const at = {
    north: { x: walls.x + inX, y: walls.y },
    south: { x: walls.x + inX, y: walls.y + walls.h },
    west: { x: walls.x, y: walls.y + inY },
    east: { x: walls.x + walls.w, y: walls.y + inY },
  }[wall];
  return { id: door.id, label: door.label, wall, isUpper: inY < walls.h / 2, ...at };
}

/** Gives every room a share of the panel by its floor area, halving along the longer side. */
export function layoutRooms(rooms: readonly Room[], box: Rect): PlacedRoom[] {
  const [only] = rooms;
  if (!only) return [];
  if (rooms.length === 1) return [layoutRoom(only, box)];
  const weights = rooms.map((room) => (room.widthM * room.depthM) ** AREA_POWER);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let count = 1;
  let share = weights[0] ?? 0;
  while (count < rooms.length - 1 && share + (weights[count] ?? 0) <= total / 2) {
    share += weights[count] ?? 0;
    count++;
  }
  const part = Math.min(Math.max(share / total, 0.2), 0.8);
  const isWide = box.w >= box.h * 1.1;
  const w = isWide ? (box.w - ROOM_GAP) * part : box.w;
  const h = isWide ? box.h : (box.h - 6) * part;
  const rest = isWide
    ? { x: box.x + w + ROOM_GAP, y: box.y, w: box.w - w - ROOM_GAP, h: box.h }
    : { x: box.x, y: box.y + h + 6, w: box.w, h: box.h - h - 6 };
  return [
    ...layoutRooms(rooms.slice(0, count), { x: box.x, y: box.y, w, h }),
    ...layoutRooms(rooms.slice(count), rest),
  ];
}
