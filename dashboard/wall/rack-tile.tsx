import { BadgeMark } from "../badge.tsx";
import { inletsOf } from "../places.ts";
import { current } from "../staleness.ts";
import { fitText, textEm } from "../text-fit.ts";
import { showAt, useSettled, useView } from "../view.ts";
import type { PlacedRack, Rect } from "./plan-layout.ts";
import { type RackState, rackSentence, rackState } from "./rack-state.ts";

const STRIP_W = 11;
const MIN_ID = 13;
/** Height of capitals and digits in em. */
const CAP = 0.73;

export function RackTile({ placed }: { placed: PlacedRack }) {
  const view = useView();
  const { rack, rect } = placed;
  const { state, sentence, share } = useSettled(() => {
    const band = view.site.value!.inletBand;
    const inlets = inletsOf(view.places.value, rack.id).map((id) => ({
      id,
      shown: view.store.show(id),
    }));
    const powerW = current(showAt(view, rack.id, "power"));
    return {
      state: rackState(inlets, band),
      sentence: rackSentence(rack.label, inlets, band),
      share: powerW !== null && rack.budgetW ? Math.min(1, powerW / rack.budgetW) : null,
    };
  });
  return (
    <g
      class={`rack rack-${state.kind}`}
      data-rack={rack.id}
      data-state={state.kind}
      transform={`translate(${rect.x} ${rect.y})`}
    >
      <title>{sentence}</title>
      {state.kind === "known" ? (
        <Known state={state} label={labelFor(placed)} rect={rect} share={share} />
      ) : (
        <Unknown state={state} label={labelFor(placed)} rect={rect} />
      )}
    </g>
  );
}

/** The whole label where it can be read, otherwise the number within the row. */
function labelFor({ rack, shortLabel, rect }: PlacedRack): string {
  const room = rect.w - STRIP_W - 14;
  return textEm(rack.label) * MIN_ID > room ? shortLabel : rack.label;
}

/** Outline and badge of an alarmed rack; drawn after all tiles, so that no neighbour covers it. */
export function RackAlarm({ placed }: { placed: PlacedRack }) {
  const view = useView();
  const priority = useSettled(() => view.worst.value.get(placed.rack.id) ?? null);
  if (priority === null) return null;
  const { x, y, w, h } = placed.rect;
  const badge = Math.min(12, w * 0.2);
  return (
    <g>
      <rect x={x + 1.5} y={y + 1.5} width={w - 3} height={h - 3} rx="4" class="alarm-gap" />
      <rect
        x={x - 1.5}
        y={y - 1.5}
        width={w + 3}
        height={h + 3}
        rx="5.5"
        class={`alarm-line p${priority}`}
      />
      {priority === 1 && (
        <rect x={x - 5} y={y - 5} width={w + 10} height={h + 10} rx="8" class="alarm-ring" />
      )}
      <BadgeMark priority={priority} x={x + w - 4} y={y + 1} s={badge} gap />
    </g>
  );
}

type Part<K extends RackState["kind"]> = Extract<RackState, { kind: K }>;

function Known(props: { state: Part<"known">; label: string; rect: Rect; share: number | null }) {
  const { state, label, rect, share } = props;
  const { w, h } = rect;
  const hasStrip = w >= 36;
  const left = hasStrip ? STRIP_W + 5 : 4;
  // A rack of an upright row lies flat: its number stands beside its label, not below.
  const isFlat = w > 2 * h;
  const id = fitText(label, (w - left) * (isFlat ? 0.5 : 1) - 14, {
    max: Math.min(19, h * (isFlat ? 0.6 : 0.22)),
    min: 9,
  });
  const size = isFlat
    ? Math.min(h * 0.8, 44)
    : Math.min(h * 0.38, (w - left) * (hasStrip ? 0.52 : 0.64), 44);
  const idY = isFlat ? h / 2 + id.size * 0.36 : 6 + id.size * 0.8;
  const number = isFlat
    ? { x: w * 0.75, y: h / 2 + size * 0.36 }
    : { x: (left + w) / 2 - 1, y: h * 0.54 + size * 0.36 };
  const segment = (h - 6) / Math.max(1, state.strip.length);
  return (
    <>
      <rect width={w} height={h} rx="4" class={`fill-${state.hottest.step}`} />
      {hasStrip && <rect x="2" y="2" width={STRIP_W} height={h - 4} rx="3" class="fill-page" />}
      {hasStrip &&
        state.strip.map((step, i) => (
          <rect
            key={i}
            x="3.5"
            y={3.5 + i * segment}
            width={STRIP_W - 3}
            height={segment - 1.5}
            rx="1.5"
            class={`strip-${step}`}
          />
        ))}
      <g class={`on-${state.hottest.step}`}>
        <text x={left} y={idY} font-size={id.size} class="tile-id">
          {id.text}
        </text>
        <text x={number.x} y={number.y} font-size={size} class="tile-number">
          {state.hottest.text}
          {state.isDoubtful ? "?" : ""}
        </text>
      </g>
      {share !== null && (
        <g class={`on-${state.hottest.step}`}>
          <rect x={left} y={h - 9} width={w - left - 5} height="4" rx="2" class="load-back" />
          <rect x={left} y={h - 9} width={(w - left - 5) * share} height="4" rx="2" class="load" />
        </g>
      )}
    </>
  );
}

function Unknown(props: { state: Part<"missing" | "stale" | "none">; label: string; rect: Rect }) {
  const { state, label, rect } = props;
  const { w, h } = rect;
  const id = fitText(label, w - 8, { max: Math.min(19, h * 0.22), min: 9 });
  const plateY = 11 + id.size;
  if (state.kind === "none")
    return (
      <>
        <rect x="1" y="1" width={w - 2} height={h - 2} rx="4" class="dashed" />
        <text x="6" y={6 + id.size * 0.8} font-size={id.size} class="tile-id t3">
          {id.text}
        </text>
        <text x={w / 2} y={h * 0.62} font-size={h * 0.3} class="middle t3">
          –
        </text>
      </>
    );
  const space = { y: plateY, h: h - plateY - 5 };
  return (
    <>
      <rect x="1" y="1" width={w - 2} height={h - 2} rx="4" class="hatched" />
      <rect
        x="4"
        y="4"
        width={textEm(id.text) * id.size + 6}
        height={id.size + 3}
        rx="3"
        class="fill-panel"
      />
      <text x="7" y={5 + id.size * 0.86} font-size={id.size} class="tile-id t2">
        {id.text}
      </text>
      {state.kind === "missing" && state.rest && <Rest rest={state.rest} w={w} size={id.size} />}
      <Words state={state} w={w} space={space} />
    </>
  );
}

/** The hottest of the inlets that still answer, in the corner. */
function Rest(props: { rest: { text: string; step: string }; w: number; size: number }) {
  const { rest, w, size } = props;
  const width = size * 1.75;
  return (
    <g class={`on-${rest.step}`}>
      <rect
        x={w - width - 18}
        y="4"
        width={width}
        height={size + 3}
        rx="3"
        class={`fill-${rest.step}`}
      />
      <text x={w - 18 - width / 2} y={5 + size * 0.86} font-size={size} class="middle strong">
        {rest.text}
      </text>
    </g>
  );
}

/** Two lines on a plain plate: what is not known, and for how long. */
function Words(props: {
  state: Part<"missing" | "stale">;
  w: number;
  space: { y: number; h: number };
}) {
  const { state, w, space } = props;
  const isStale = state.kind === "stale";
  const first = isStale
    ? { text: state.last, size: Math.min(space.h * 0.5, w * 0.42, 34) }
    : fitText("no reading", w - 14, { max: Math.min(19, space.h * 0.34), min: 8 });
  const below = isStale ? state.age : `${state.which} ${state.age}`.trim();
  const second = fitText(below, w - 14, { max: Math.min(18, space.h * 0.34), min: 8 });
  const gap = Math.min(10, space.h * 0.12);
  const block = first.size * CAP + gap + second.size * CAP;
  const top = space.y + (space.h - block) / 2;
  const pad = Math.min(10, (space.h - block) / 2);
  return (
    <>
      <rect x="4" y={top - pad} width={w - 8} height={block + 2 * pad} rx="3" class="fill-panel" />
      <text
        x={w / 2}
        y={top + first.size * CAP}
        font-size={first.size}
        class={`middle ${isStale ? "t2" : "t1 strong"}`}
      >
        {first.text}
      </text>
      <text
        x={w / 2}
        y={top + block}
        font-size={second.size}
        class={`middle t1 ${isStale ? "strong" : ""}`}
      >
        {second.text}
      </text>
    </>
  );
}
