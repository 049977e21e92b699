import type { SparkLine } from "./spark-history.ts";

const W = 110;
const H = 54;

export interface SparkOptions {
  /** Shaded range. */
  band?: [number, number];
  /** Dashed line. */
  limit?: number;
  /** The scale covers at least this much, so that sensor noise does not look like a storm. */
  minSpan: number;
}

/** Line through the measured places only: a hole breaks it. */
export function sparkPath(
  values: readonly (number | null)[],
  y: (value: number) => number,
): string {
  let path = "";
  let isDrawing = false;
  values.forEach((value, i) => {
    if (value === null) {
      isDrawing = false;
      return;
    }
    const x = ((i / (values.length - 1)) * W).toFixed(1);
    path += `${isDrawing ? "L" : "M"}${x} ${y(value).toFixed(1)}`;
    // A lone value still leaves a dot.
    if (!isDrawing) path += `h0.01`;
    isDrawing = true;
  });
  return path;
}

export function Spark({ line, options }: { line: SparkLine | null; options: SparkOptions }) {
  const known = line?.values.filter((value) => value !== null) ?? [];
  if (!line || known.length < 2) return <span class="spark" />;
  const { band, limit, minSpan } = options;
  const shown = limit === undefined ? known : [...known, limit];
  const low = Math.min(...shown);
  const high = Math.max(...shown);
  const pad = Math.max(0, minSpan - (high - low)) / 2;
  const [from, to] = [low - pad, high + pad];
  const y = (value: number) => H - ((Math.min(Math.max(value, from), to) - from) / (to - from)) * H;
  const lastAt = line.values.findLastIndex((value) => value !== null);
  const last = line.values[lastAt] ?? 0;
  const isNow = lastAt >= line.values.length - 2;
  return (
    <svg class="spark" viewBox={`0 0 ${W} ${H}`} preserveAspectRatio="none" aria-hidden="true">
      {band && (
        <rect
          width={W}
          y={y(band[1])}
          height={Math.max(0, y(band[0]) - y(band[1]))}
          class="spark-band"
        />
      )}
      {limit !== undefined && <path d={`M0 ${y(limit)}H${W}`} class="spark-limit" />}
      <path d={sparkPath(line.values, y)} class="spark-line" />
      {isNow && (
        <path d={`M${(lastAt / (line.values.length - 1)) * W} ${y(last)}h0.01`} class="spark-end" />
      )}
    </svg>
  );
}
