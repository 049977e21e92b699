import { isId, placeOf } from "../../contract/id.ts";
import type { Reading } from "../../contract/reading.ts";
import type { Rollup, StoredReading } from "./store.ts";

/** Field `q` of measurement `point`. A bad reading has `q` and `reason`, but no `value`. */
export const QUALITY_CODE = { good: 0, uncertain: 1, bad: 2 } as const;
const REASON = /^[a-z0-9-]{1,64}$/;
const MAX_SERIES_KEPT = 100_000;

/**
 * Writes readings as InfluxDB line protocol with times in milliseconds. Line protocol cannot escape a
 * newline, so a name outside the id alphabet is not escaped but refused: it throws RangeError.
 */
export class LineWriter {
  /** Node and point → `point,node=…,place=…,point=… `. Emptied when it holds `MAX_SERIES_KEPT`. */
  readonly #series = new Map<string, Map<string, string>>();
  #kept = 0;

  text(readings: readonly StoredReading[]): string {
    let text = "";
    let at = Number.NaN;
    let end = "";
    for (const { node, reading } of readings) {
      // Readings of one round have one time; writing it out is the dearest part of a line.
      if (reading.at !== at) {
        at = reading.at;
        end = ` ${at}\n`;
      }
      text += this.#seriesOf(node, reading.point) + fields(reading) + end;
    }
    return text;
  }

  #seriesOf(node: string, point: string): string {
    let ofNode = this.#series.get(node);
    const held = ofNode?.get(point);
    if (held !== undefined) return held;
    if (!isId(node) || !isId(point))
      throw new RangeError(
        `node ${JSON.stringify(node)} or point ${JSON.stringify(point)} is no id`,
      );
    if (this.#kept >= MAX_SERIES_KEPT) {
      this.#series.clear();
      this.#kept = 0;
      ofNode = undefined;
    }
    if (!ofNode) {
      ofNode = new Map();
      this.#series.set(node, ofNode);
    }
    const place = placeOf(point);
    const series = `point,node=${node}${place ? `,place=${place}` : ""},point=${point} `;
    ofNode.set(point, series);
    this.#kept += 1;
    return series;
  }
}

/** `value` is always a float: a number without `i` is one, so a whole value never makes a type conflict. */
function fields(reading: Reading): string {
  if (reading.quality === "good") return `value=${reading.value},q=0i`;
  if (!REASON.test(reading.reason))
    throw new RangeError(`reason ${JSON.stringify(reading.reason)} is not a short word`);
  return reading.quality === "bad"
    ? `q=2i,reason="${reading.reason}"`
    : `value=${reading.value},q=1i,reason="${reading.reason}"`;
}

/** Measurement `rollup`: every field every time, because a field that is left out keeps its old value. */
export function rollupLines(rollups: readonly Rollup[]): string {
  return rollups
    .map(({ point, aggregate: { at, low, high, sum, good, rows } }) => {
      if (!isId(point)) throw new RangeError(`point ${JSON.stringify(point)} is no id`);
      const values = `low=${low},high=${high},sum=${finite(sum)},good=${good}i,rows=${rows}i`;
      return `rollup,point=${point} ${values} ${at}\n`;
    })
    .join("");
}

/** The sum of values at the end of what a number can hold is beyond it. */
function finite(sum: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, sum));
}
