import { useContext } from "preact/hooks";
import { tenthC } from "../inlet-scale.ts";
import { shortPointName } from "../places.ts";
import { hourMinute } from "../time.ts";
import { useSettled, useView } from "../view.ts";
import { HistoryContext } from "./history-context.ts";
import { useSize } from "./size.ts";
import { Spark } from "./spark.tsx";
import type { SparkLine } from "./spark-history.ts";
import { closestToLimit, type Watched } from "./watch-list.ts";

const MOST = 8;
const LINE_REM = 3.4;

/** With no alarm the place is not empty: it shows what would alarm first. */
function spanWords(line: SparkLine | null): string {
  const minutes = line ? (line.stepMs * line.values.length) / 60_000 : 24 * 60;
  return minutes < 120 ? `${minutes} min` : `${minutes / 60} h`;
}

export function CalmPanel() {
  const view = useView();
  const { store } = view;
  const { ref, size } = useSize<HTMLDivElement>();
  const lines = Math.min(MOST, Math.max(1, Math.floor((size?.h ?? 0) / 16 / LINE_REM)));
  const watched = useSettled(() => {
    const band = view.site.value!.inletBand;
    return closestToLimit(
      view.inlets.value.map((id) => ({ id, shown: store.show(id) })),
      band,
    ).map((each) => {
      const point = store.held(each.id)?.view;
      const name = point ? shortPointName(view.labels.value, point) : each.id;
      return { ...each, name, text: tenthC(each.value, band), left: each.toLimit.toFixed(1) };
    });
  });
  const last = store.lastCleared.value;
  const history = useContext(HistoryContext);
  const line = watched[0] ? history.line(watched[0].id).value : null;
  const span = spanWords(line);
  return (
    <>
      <div class="calm">None</div>
      <p class="calm-last">
        {last
          ? `Last: P${last.priority} ${last.title} · cleared ${hourMinute(last.at, view.timeZone.value)}`
          : "No alarm since this screen was opened"}
      </p>
      <div class="cap watch-cap">
        <span>Closest to their limit, {span}</span>
        <span class="watch-heads">
          <span>now</span>
          <span>to limit</span>
        </span>
      </div>
      <div class="wl" ref={ref}>
        {size && watched.slice(0, lines).map((each) => <WatchLine key={each.id} watched={each} />)}
        {watched.length === 0 && <p class="calm-last">No inlet gives a reading.</p>}
      </div>
    </>
  );
}

function WatchLine(props: { watched: Watched & { name: string; text: string; left: string } }) {
  const { id, name, text, left, limit } = props.watched;
  const history = useContext(HistoryContext);
  const { store } = useView();
  Math.floor(store.now.value / 60_000);
  return (
    <div class="w" data-watch={id}>
      <b>{name}</b>
      <Spark line={history.line(id).value} options={{ limit, minSpan: 8 }} />
      <div class="n">{text}°</div>
      <div class="t">{left}°</div>
    </div>
  );
}
