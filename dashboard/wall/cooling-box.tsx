import { BadgeMark } from "../badge.tsx";
import { fitText } from "../text-fit.ts";
import { hasPoint, showAt, useSettled, useView } from "../view.ts";
import { type CoolingState, coolingState } from "./cooling-state.ts";
import { NARROW_W, type PlacedCooling } from "./plan-layout.ts";

export function CoolingBox({ placed }: { placed: PlacedCooling }) {
  const view = useView();
  const { id, label, rect } = placed;
  const { state, priority } = useSettled(() => ({
    state: coolingState({
      running: showAt(view, id, "running"),
      supply: showAt(view, id, "supply"),
      back: showAt(view, id, "return"),
      output: hasPoint(view, `${id}.cooling`) ? showAt(view, id, "cooling") : undefined,
    }),
    priority: view.worst.value.get(id) ?? null,
  }));
  const { x, y, w, h } = rect;
  const isUnknown = state.running === "unknown";
  const frame = priority === 1 ? "box-p1" : priority ? `box alarm-box p${priority}` : "box";
  const name = fitText(label, w - (priority ? 34 : 18), { max: 20, min: 10 });
  const pad = w < 90 ? 5 : 11;
  const headH = 34;
  return (
    <g
      transform={`translate(${x} ${y})`}
      class={`cooling ${priority === 1 ? "on-p1" : ""}`}
      data-cooling={id}
      data-state={state.running}
    >
      <rect width={w} height={h} rx="4" class={isUnknown ? `hatched ${frame}` : frame} />
      {isUnknown && <rect x="4" y="4" width={w - 8} height={h - 8} rx="3" class="fill-raised" />}
      {w < NARROW_W ? (
        <Upright label={label} state={state} w={w} h={h} />
      ) : (
        <>
          <text x={pad} y="26" font-size={name.size} class="strong t1">
            {name.text}
          </text>
          <Lines
            state={state}
            box={{ w, h: h - headH - 10, top: headH, pad }}
            priority={priority}
          />
        </>
      )}
      {priority && <BadgeMark priority={priority} x={w - 8} y={6} s={13} gap />}
    </g>
  );
}

/** One line from bottom to top, for a unit between two racks. */
function Upright(props: { label: string; state: CoolingState; w: number; h: number }) {
  const { label, state, w, h } = props;
  const supply = state.lines.find((line) => line.name === "sup")?.value ?? "–";
  const rest =
    state.running === "running"
      ? `${supply}°`
      : state.running === "stopped"
        ? "STOPPED"
        : `NO READING ${state.age}`;
  const fit = fitText(`${label} ${rest}`, h - 12, { max: Math.min(20, w * 0.6), min: 8 });
  return (
    <text
      transform={`translate(${w / 2 + fit.size * 0.36} ${h - 6}) rotate(-90)`}
      font-size={fit.size}
      class="strong t1"
    >
      {fit.text}
    </text>
  );
}

type Row = { word: string; isLoud: boolean } | CoolingState["lines"][number];

/** A unit that runs shows its air; one that does not says so first, and then what is still measured. */
function rowsOf(state: CoolingState): Row[] {
  if (state.running === "running") return state.lines;
  const known = state.lines.filter((line) => line.value !== "–");
  if (state.running === "stopped") return [{ word: "STOPPED", isLoud: true }, ...known];
  const age = state.age ? [{ word: `for ${state.age}`, isLoud: false }] : [];
  return [{ word: "NO READING", isLoud: true }, ...age, ...known];
}

const MIN_LINE_H = 30;

function Lines(props: {
  state: CoolingState;
  box: { w: number; h: number; top: number; pad: number };
  priority: number | null;
}) {
  const { state, box, priority } = props;
  const room = box.w - 2 * box.pad;
  const rows = rowsOf(state).slice(0, Math.max(1, Math.floor(box.h / MIN_LINE_H)));
  const step = Math.min(36, box.h / rows.length);
  const size = Math.min(27, step * 0.86, room / 4.2);
  return (
    <>
      {rows.map((row, i) => {
        const y = box.top + (i + 0.72) * step;
        if ("word" in row) {
          const fit = fitText(row.word, room, { max: row.isLoud ? size : size * 0.8, min: 9 });
          const tone = row.isLoud ? `bold p${priority}-text` : "t1";
          return (
            <text key={row.word} x={box.pad} y={y} font-size={fit.size} class={tone}>
              {fit.text}
            </text>
          );
        }
        return (
          <g key={row.name}>
            <text x={box.pad} y={y} font-size={size * 0.72} class="t2">
              {row.name}
            </text>
            <text
              x={box.w - box.pad}
              y={y}
              font-size={size}
              class={`end ${row.isOld ? "t3" : "t1"}`}
            >
              {row.value}
            </text>
          </g>
        );
      })}
    </>
  );
}
