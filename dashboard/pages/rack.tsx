import { useEffect, useState } from "preact/hooks";
import type { Bucket, PointView } from "../../contract/api.ts";
import { roleOf } from "../../contract/id.ts";
import { errorText } from "../api.ts";
import { stepOf } from "../inlet-scale.ts";
import { allRacks, heightWord, inletsOf, isInlet } from "../places.ts";
import { reasonText, type Showing } from "../staleness.ts";
import { shortAge } from "../time.ts";
import { useView } from "../view.ts";
import { valueWords } from "../wall/point-words.ts";
import type { Stretch } from "./chart-holes.ts";
import { inletSeries, stretchWords } from "./inlet-series.ts";
import { type Series, TimeChart } from "./time-chart.tsx";

const RANGES = [
  ["1 h", 3_600_000, 15_000],
  ["6 h", 6 * 3_600_000, 60_000],
  ["24 h", 24 * 3_600_000, 300_000],
  ["30 d", 30 * 86_400_000, 3 * 3_600_000],
] as const;
const DAY = RANGES[2];
const REFRESH_MS = 60_000;

export function RackPage({ id }: { id: string }) {
  const { store, site, places } = useView();
  const rack = allRacks(site.value!).find((each) => each.id === id);
  const ids = places.value.get(id) ?? [];
  if (!rack) return <p>No rack is called {id} in the site model.</p>;
  const inlets = inletsOf(places.value, id);
  const rest = ids.filter((point) => !isInlet(point));
  return (
    <>
      <h1>Rack {rack.label}</h1>
      <div class="rack-page">
        <section class="panel">
          <h2>Now</h2>
          <ul class="now">
            {[...inlets, ...rest].map((point) => (
              <NowLine key={point} point={store.held(point)?.view} shown={store.show(point)} />
            ))}
          </ul>
          {ids.length === 0 && <p class="quiet">No sensor reports for this rack.</p>}
        </section>
        {inlets.length > 0 && <InletHistory inlets={inlets} />}
      </div>
    </>
  );
}

function NowLine({ point, shown }: { point: PointView | undefined; shown: Showing }) {
  const band = useView().site.value!.inletBand;
  if (!point) return null;
  const isNow = shown.kind === "value";
  const step = isNow && isInlet(point.id) ? stepOf(shown.value, band) : null;
  const words =
    shown.kind === "value"
      ? valueWords(point, shown.value)
      : shown.kind === "never"
        ? "–"
        : `no reading for ${shortAge(shown.ageMs)}`;
  const why =
    shown.kind === "bad"
      ? reasonText(shown.reason)
      : isNow && shown.doubt
        ? reasonText(shown.doubt)
        : "";
  return (
    <li data-point={point.id} class={isNow ? "" : "unknown"}>
      <span>
        {isInlet(point.id) ? `Inlet ${heightWord(point.id)}` : sentence(roleOf(point.id))}
        {why && <small> {why}</small>}
      </span>
      <b class={step && !step.startsWith("n") ? `step step-${step}` : ""}>{words}</b>
    </li>
  );
}

function sentence(role: string): string {
  const text = role.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function InletHistory({ inlets }: { inlets: string[] }) {
  const { store, site, timeZone } = useView();
  const [range, setRange] = useState<(typeof RANGES)[number]>(DAY);
  const [series, setSeries] = useState<Series[] | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  const [, lengthMs, stepMs] = range;
  const toMs = Math.ceil(store.now.value / REFRESH_MS) * REFRESH_MS;
  const key = inlets.join(" ");
  useEffect(() => {
    let isStopped = false;
    inletSeries(key.split(" "), { fromMs: toMs - lengthMs, toMs, stepMs }).then(
      (found) => {
        if (isStopped) return;
        setProblem(null);
        setSeries(found);
      },
      (error: unknown) => !isStopped && setProblem(errorText(error)),
    );
    return () => {
      isStopped = true;
    };
  }, [key, lengthMs, stepMs, toMs]);
  const band = site.value!.inletBand;
  return (
    <section class="panel">
      <div class="panel-head">
        <h2>Inlet, °C</h2>
        <fieldset class="ranges">
          <legend class="hidden">Time range</legend>
          {RANGES.map((each) => (
            <button
              key={each[0]}
              type="button"
              aria-pressed={each === range}
              onClick={() => {
                setSeries(null);
                setRange(each);
              }}
            >
              {each[0]}
            </button>
          ))}
        </fieldset>
      </div>
      {problem && <p class="problem">{problem}</p>}
      {series && (
        <TimeChart
          series={series}
          range={{ fromMs: toMs - lengthMs, toMs, stepMs }}
          band={[band.minC, band.maxC]}
          timeZone={timeZone.value}
        />
      )}
      {series && <DataTable series={series} timeZone={timeZone.value} />}
    </section>
  );
}

/** The chart in words, for those who do not see it. */
function DataTable({ series, timeZone }: { series: Series[]; timeZone: string }) {
  return (
    <table class="chart-words">
      <caption class="hidden">Lowest, mean and highest inlet in this range</caption>
      <thead>
        <tr>
          <th scope="col">Inlet</th>
          <th scope="col">Lowest</th>
          <th scope="col">Mean</th>
          <th scope="col">Highest</th>
          <th scope="col">No data</th>
        </tr>
      </thead>
      <tbody>
        {series.map(({ label, buckets, coverage }) => (
          <tr key={label}>
            <th scope="row">{label}</th>
            {summary(buckets).map((text, i) => (
              <td key={i}>{text}</td>
            ))}
            <td>{coverage ? holeWords(coverage.missing, timeZone) : "not known"}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** Stretches named in the table; the chart shows them all. */
const MAX_NAMED = 3;

function holeWords(missing: readonly Stretch[], timeZone: string): string {
  if (missing.length === 0) return "none missing";
  const named = missing.slice(-MAX_NAMED).map((stretch) => stretchWords(stretch, timeZone));
  const more = missing.length - named.length;
  return [...(more > 0 ? [`${more} more`] : []), ...named].join(", ");
}

function summary(buckets: readonly Bucket[]): [string, string, string] {
  if (buckets.length === 0) return ["–", "–", "–"];
  const count = buckets.reduce((sum, bucket) => sum + bucket.count, 0);
  const mean = buckets.reduce((sum, bucket) => sum + bucket.mean * bucket.count, 0) / count;
  return [
    Math.min(...buckets.map((bucket) => bucket.min)).toFixed(1),
    mean.toFixed(1),
    Math.max(...buckets.map((bucket) => bucket.max)).toFixed(1),
  ];
}
