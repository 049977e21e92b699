import { useContext } from "preact/hooks";
import { useSettled, useView } from "../view.ts";
import type { Running } from "./cooling-state.ts";
import { HistoryContext } from "./history-context.ts";
import { type Kpi, type KpiPicture, kpis } from "./kpi-values.ts";
import { Spark } from "./spark.tsx";
import { sumLines } from "./spark-history.ts";

export function KpiRow() {
  const view = useView();
  const all = useSettled(() => kpis(view));
  return (
    <section class="kp dim" aria-label="Key figures">
      {all.map((kpi) => (
        <KpiTile key={kpi.id} kpi={kpi} />
      ))}
    </section>
  );
}

function KpiTile({ kpi }: { kpi: Kpi }) {
  const { title, value, unit, note, priority, picture } = kpi;
  return (
    <div class={`k ${priority ? `hot p${priority}` : ""}`} data-kpi={kpi.id}>
      <h3>
        <span>{title}</span>
        <span class={priority ? "t1" : ""}>{note}</span>
      </h3>
      <div class="v">
        {value}
        <small>{unit}</small>
      </div>
      <Picture picture={picture} />
    </div>
  );
}

function Picture({ picture }: { picture: KpiPicture }) {
  switch (picture.kind) {
    case "spark":
      return <SparkOf points={picture.points} options={picture.options} />;
    case "steps":
      return <Steps counts={picture.counts} unknown={picture.unknown} />;
    case "units":
      return <Units states={picture.states} />;
    case "none":
      return <span class="spark" />;
  }
}

function SparkOf({ points, options }: Omit<Extract<KpiPicture, { kind: "spark" }>, "kind">) {
  const history = useContext(HistoryContext);
  const { store } = useView();
  // Read so that the line is asked for again when a minute has passed.
  Math.floor(store.now.value / 60_000);
  const line = sumLines(points.map((point) => history.line(point).value));
  return <Spark line={line} options={options} />;
}

const ORDER = ["c3", "c2", "c1", "n1", "n2", "n3", "n4", "w1", "w2", "w3"];

/** Cold to warm in the tiles' own colours; what gives no reading stands hatched at the end. */
function Steps({ counts, unknown }: { counts: [string, number][]; unknown: number }) {
  const total = counts.reduce((sum, [, n]) => sum + n, unknown) || 1;
  const sorted = [...counts].sort((a, b) => ORDER.indexOf(a[0]) - ORDER.indexOf(b[0]));
  let at = 0;
  const next = (n: number) => {
    const left = at;
    at += (n / total) * 110;
    return { x: left, width: Math.max(0, at - left - 1.2) };
  };
  return (
    <svg class="spark" viewBox="0 0 110 54" preserveAspectRatio="none" aria-hidden="true">
      {sorted.map(([step, n]) => (
        <rect key={step} {...next(n)} y="26" height="22" class={`strip-${step}`} />
      ))}
      {unknown > 0 && <rect {...next(unknown)} y="27" height="20" class="dashed" />}
    </svg>
  );
}

/** One block for each unit: filled when it runs, empty when it stands, dashed when nobody knows. */
function Units({ states }: { states: Running[] }) {
  const step = 110 / Math.max(states.length, 3);
  return (
    <svg class="spark" viewBox="0 0 110 54" aria-hidden="true" preserveAspectRatio="xMaxYMax meet">
      {states.map((state, i) => (
        <rect
          key={i}
          x={110 - (states.length - i) * step + 3}
          y="24"
          width={Math.max(2, step - 6)}
          height="24"
          rx="3"
          class={`unit-${state}`}
        />
      ))}
    </svg>
  );
}
