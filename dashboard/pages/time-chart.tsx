import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Bucket } from "../../contract/api.ts";
import { fullTime, hourMinute, shortDate } from "../time.ts";
import { allThinned, type Coverage, commonHoles, type Stretch } from "./chart-holes.ts";
import { type ChartRange, chartSlots } from "./chart-slots.ts";

export interface Series {
  label: string;
  buckets: readonly Bucket[];
  /** What is known to be missing; null when nothing is known. */
  coverage: Coverage | null;
}

interface TimeChartProps {
  series: readonly Series[];
  range: ChartRange;
  /** Shaded range of the value axis. */
  band: [number, number];
  timeZone: string;
}

const HEIGHT_PX = 320;
const DAY_MS = 86_400_000;
const TONES = ["--t1", "--t2", "--t3"] as const;

/**
 * The only use of uPlot. It is destroyed on unmount and never kept in state: an instance that stays
 * referenced keeps its canvas and listeners for as long as the page lives.
 */
export function TimeChart({ series, range, band, timeZone }: TimeChartProps) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = ref.current;
    if (!element) return;
    const tone = (name: string) => getComputedStyle(element).getPropertyValue(name).trim();
    const width = () => Math.max(200, element.clientWidth);
    const axis = {
      stroke: tone("--t3"),
      grid: { stroke: tone("--hairline"), width: 1 },
      ticks: { show: false },
      font: "12px 'Inter Variable', sans-serif",
    };
    const isLong = range.toMs - range.fromMs > DAY_MS;
    const chart = new uPlot(
      {
        width: width(),
        height: HEIGHT_PX,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), timeZone),
        axes: [
          {
            ...axis,
            values: (_, splits) =>
              splits.map((seconds) =>
                isLong
                  ? shortDate(seconds * 1_000, timeZone)
                  : hourMinute(seconds * 1_000, timeZone),
              ),
          },
          { ...axis, size: 46 },
        ],
        scales: { y: { range: (_, min, max) => scaleOf([min, max], band) } },
        series: [
          {
            label: "Time",
            value: (_, seconds: number | null) =>
              seconds == null ? "–" : fullTime(seconds * 1_000, timeZone),
          },
          ...series.map(({ label }, i) => ({
            label,
            stroke: tone(TONES[i % TONES.length] ?? "--t1"),
            width: i === 0 ? 2 : 1.25,
            points: { show: false },
            value: (_: uPlot, value: number | null) =>
              value == null ? "–" : `${value.toFixed(1)} °C`,
          })),
        ],
        hooks: {
          drawClear: [
            (plot) => {
              shade(plot, band, tone("--band"));
              const known = series.flatMap(({ coverage }) => coverage ?? []);
              const colours = { fill: tone("--hairline"), text: tone("--t1") };
              drawStretches(plot, allThinned(known), { ...colours, word: "thinned", alpha: 0.35 });
              if (known.length < series.length) return;
              drawStretches(plot, commonHoles(known), { ...colours, word: "no data", alpha: 0.8 });
            },
          ],
        },
      },
      chartSlots(series, range) as uPlot.AlignedData,
      element,
    );
    const observer = new ResizeObserver(() => chart.setSize({ width: width(), height: HEIGHT_PX }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      chart.destroy();
    };
  }, [series, range.fromMs, range.toMs, range.stepMs, band[0], band[1], timeZone]);
  return <div ref={ref} class="chart" />;
}

/** The band is always on the chart, so that "near the limit" looks it. */
function scaleOf([min, max]: [number, number], band: [number, number]): [number, number] {
  return [
    Math.floor(Math.min(min ?? band[0], band[0]) - 1),
    Math.ceil(Math.max(max ?? band[1], band[1]) + 1),
  ];
}

function shade(plot: uPlot, band: [number, number], colour: string): void {
  const { ctx, bbox } = plot;
  const top = plot.valToPos(band[1], "y", true);
  const bottom = plot.valToPos(band[0], "y", true);
  ctx.save();
  ctx.fillStyle = colour;
  ctx.fillRect(bbox.left, top, bbox.width, bottom - top);
  ctx.restore();
}

interface Look {
  fill: string;
  text: string;
  word: string;
  alpha: number;
}

/** Bands over the whole height, with a word in each that has room for one; narrow ones have it upright. */
function drawStretches(plot: uPlot, stretches: readonly Stretch[], look: Look): void {
  const { ctx, bbox } = plot;
  const { top, height } = bbox;
  const right = bbox.left + bbox.width;
  const place = (at: number) =>
    Math.min(right, Math.max(bbox.left, plot.valToPos(at / 1_000, "x", true)));
  const fontPx = 13 * devicePixelRatio;
  ctx.save();
  ctx.font = `${fontPx}px 'Inter Variable', sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  for (const { from, to } of stretches) {
    const [left, width] = [place(from), place(to) - place(from)];
    ctx.globalAlpha = look.alpha;
    ctx.fillStyle = look.fill;
    ctx.fillRect(left, top, Math.max(1, width), height);
    if (width < fontPx * 1.2) continue;
    ctx.globalAlpha = 1;
    ctx.fillStyle = look.text;
    ctx.save();
    const isNarrow = width < ctx.measureText(look.word).width * 1.2;
    ctx.translate(left + width / 2, top + (isNarrow ? height / 2 : fontPx));
    if (isNarrow) ctx.rotate(-Math.PI / 2);
    ctx.fillText(look.word, 0, 0);
    ctx.restore();
  }
  ctx.restore();
}
