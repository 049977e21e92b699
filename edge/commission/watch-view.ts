import { QUANTITIES } from "../../contract/quantity.ts";
import { type Measurement, staleAfterMs } from "../../contract/reading.ts";
import type { BusLoop } from "../poll/loop.ts";
import type { LivePoint } from "./live.ts";

export interface WatchView {
  node: string;
  points: readonly LivePoint[];
  buses: readonly { bus: string; health: ReturnType<BusLoop["health"]> }[];
  monoMs: number;
  columns: number;
  rows: number;
  /** Points scrolled away above. */
  offset: number;
}

const BOLD = "\x1b[1m";
const DIM = "\x1b[2m";
const RED = "\x1b[31m";
const YELLOW = "\x1b[33m";
const PLAIN = "\x1b[0m";
const RULER_ROWS = 3;
const LEAST_POINT_ROWS = 3;

/** One screen: bus health above, live values below. Never more lines or wider than the terminal. */
export function watchScreen(view: WatchView): string[] {
  const { node, points, buses, columns, rows, offset } = view;
  const busRoom = Math.max(1, rows - RULER_ROWS - LEAST_POINT_ROWS);
  const name = Math.min(24, Math.max(0, ...buses.map(({ bus }) => bus.length)) + 2);
  const shownBuses = buses.slice(0, busRoom).map((bus) => busLine(bus, name, columns));
  const room = Math.max(1, rows - RULER_ROWS - shownBuses.length);
  const from = Math.min(offset, lastOffset(view));
  const shown = points.slice(from, from + room);
  const rest = points.length - from - shown.length;
  const widths = columnsOf(points, columns);
  const head = `${pad("Point", widths.point)}${pad("Value", widths.value)}${pad("Age", widths.age)}Raw`;
  const title = `${node}   ${points.length} points on ${buses.length} buses`;
  const foot = rest > 0 || from > 0 ? `   ${from} above, ${rest} below (arrow keys)` : "";
  return [
    style(BOLD, cut(title, columns)),
    ...shownBuses,
    style(DIM, cut(head, columns)),
    ...shown.map((live) => pointLine(live, view.monoMs, widths)),
    style(DIM, cut(`q quits${foot}`, columns)),
  ];
}

/** The furthest that the points can be scrolled. */
export function lastOffset({ points, buses, rows }: WatchView): number {
  const busRoom = Math.max(1, rows - RULER_ROWS - LEAST_POINT_ROWS);
  const room = Math.max(1, rows - RULER_ROWS - Math.min(buses.length, busRoom));
  return Math.max(0, points.length - room);
}

interface Columns {
  all: number;
  point: number;
  value: number;
  age: number;
}

function columnsOf(points: readonly LivePoint[], all: number): Columns {
  const longest = Math.max(8, ...points.map(({ info }) => info.id.length)) + 2;
  return { all, point: Math.min(longest, Math.max(10, Math.floor(all / 2))), value: 24, age: 8 };
}

function busLine(
  { bus, health }: WatchView["buses"][number],
  name: number,
  columns: number,
): string {
  const { ok, failed, lagMs, open, lastError } = health;
  const reads = ok + failed;
  const rate = reads === 0 ? "" : `   ${((100 * failed) / reads).toFixed(1)} % failed of ${reads}`;
  const lag = lagMs >= 100 ? `   ${(lagMs / 1_000).toFixed(1)} s late` : "";
  const error = lastError ? `   ${lastError}` : "";
  const text = cut(`${pad(bus, name)}${open ? "open  " : "closed"}${rate}${lag}${error}`, columns);
  return open && !lastError ? text : style(open ? YELLOW : RED, text);
}

function pointLine(live: LivePoint, monoMs: number, columns: Columns): string {
  const { info, newest } = live;
  const name = pad(info.id, columns.point);
  if (!newest) return style(DIM, cut(`${name}–`, columns.all));
  const ageMs = monoMs - newest.monoMs;
  const value = pad(measurementText(live, newest.measurement), columns.value);
  const text = `${name}${value}${pad(ageText(ageMs), columns.age)}${newest.raw}`;
  const line = cut(text.trimEnd(), columns.all);
  const { quality } = newest.measurement;
  if (ageMs > staleAfterMs(info.periodMs) || quality === "bad") return style(RED, line);
  return quality === "uncertain" ? style(YELLOW, line) : line;
}

/** `23.7 °C`, `23.7 °C ? frozen`, `no value: no-answer`; a code comes with its word. */
export function measurementText(
  { info }: Pick<LivePoint, "info">,
  measurement: Measurement,
): string {
  if (measurement.quality === "bad") return `no value: ${measurement.reason}`;
  const { unit, decimals } = QUANTITIES[info.quantity];
  const digits = info.quantity === "temperature" ? 2 : decimals;
  const word = info.states?.[String(measurement.value)];
  const number = `${measurement.value.toFixed(digits)}${unit === "" ? "" : ` ${unit}`}`;
  const text = word === undefined ? number : `${number} ${word}`;
  return measurement.quality === "good" ? text : `${text} ? ${measurement.reason}`;
}

function ageText(ms: number): string {
  return ms < 60_000 ? `${Math.max(0, ms / 1_000).toFixed(1)} s` : `${Math.floor(ms / 60_000)} min`;
}

const pad = (text: string, width: number): string => cut(text, width - 1).padEnd(width);
const style = (code: string, text: string): string => `${code}${text}${PLAIN}`;

/** At most `width` characters; names and device texts never reach the terminal as control codes. */
function cut(text: string, width: number): string {
  const safe = text.replaceAll(/\p{Cc}/gu, "·");
  return safe.length <= width ? safe : `${safe.slice(0, Math.max(0, width - 1))}…`;
}
