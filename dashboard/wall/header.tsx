import { Badge } from "../badge.tsx";
import { stateSentence } from "../state-sentence.ts";
import { clockTime, shortAge, shortDate, utcOffset } from "../time.ts";
import { useSettled, useView, type View } from "../view.ts";

/** The live bar steps on; after this many heartbeats it starts again. */
const BEAT_STEPS = 6;

export function Header() {
  const view = useView();
  return (
    <header>
      <Sentence view={view} />
      <Live view={view} />
      <Clock view={view} />
    </header>
  );
}

/** How many points give a value now, and how old the newest is. */
export function freshness({ store }: View) {
  let fresh = 0;
  let newestMs = Number.POSITIVE_INFINITY;
  const ids = store.pointIds.value;
  for (const id of ids) {
    const shown = store.show(id);
    if (shown.kind !== "value") continue;
    fresh++;
    newestMs = Math.min(newestMs, shown.ageMs);
  }
  return { fresh, total: ids.length, newestMs };
}

function Sentence({ view }: { view: View }) {
  const { store } = view;
  const { head, rest, priority, calm } = useSettled(() => {
    const { fresh, total } = freshness(view);
    return stateSentence({
      alarms: store.alarms.value,
      silentPoints: total - fresh,
      points: total,
      silentNodes: store.nodes.value.filter((node) => !node.online).length,
    });
  });
  const site = view.site.value;
  const calmSince = store.calmSince.value;
  const calmFor = calmSince === null ? "" : ` for ${shortAge(store.now.value - calmSince)}`;
  const small = calm
    ? [site?.label ?? "", `${rest.join(" · ")}${calmFor}`]
    : [...rest, ...(priority === null ? [site?.label ?? ""] : [])];
  return (
    <div class="st" data-sentence>
      {priority !== null && <Badge priority={priority} rem={3.6} />}
      {calm && (
        <svg viewBox="0 0 24 24" class="tick" aria-hidden="true">
          <path d="M4 12.5l5 5L20 6.5" />
        </svg>
      )}
      <span class="head">{head}</span>
      <small>{small.filter((part) => part !== "").join(" · ")}</small>
    </div>
  );
}

function Live({ view }: { view: View }) {
  const { store } = view;
  const { fresh, total, newest, online, nodes } = useSettled(() => {
    const { fresh, total, newestMs } = freshness(view);
    const all = store.nodes.value;
    return {
      fresh,
      total,
      newest: Number.isFinite(newestMs) ? `${shortAge(newestMs)} ago` : "–",
      online: all.filter((node) => node.online).length,
      nodes: all.length,
    };
  });
  const step = store.beats.value === 0 ? 0 : ((store.beats.value - 1) % BEAT_STEPS) + 1;
  return (
    <div class="live">
      <div>
        <b>Live</b> · newest reading {newest}
        <span class="beat">
          <i style={{ width: `${(100 * step) / BEAT_STEPS}%` }} />
        </span>
      </div>
      <div data-fresh>
        {fresh === total
          ? `${fresh} of ${total} points fresh`
          : `${total - fresh} of ${total} points without a reading`}
        {`\u2002·\u2002edges ${online}/${nodes}`}
      </div>
    </div>
  );
}

function Clock({ view }: { view: View }) {
  const now = view.store.now.value;
  const timeZone = view.timeZone.value;
  return (
    <div class="clk">
      <b>{clockTime(now, timeZone)}</b>
      <span>
        {shortDate(now, timeZone)} · {utcOffset(now, timeZone)}
      </span>
    </div>
  );
}
