import { BadgeMark } from "../badge.tsx";
import { fitText } from "../text-fit.ts";
import { showAt, useSettled, useView } from "../view.ts";
import { type CoolingState, coolingState } from "./cooling-state.ts";
import type { PlacedCooling } from "./plan-layout.ts";

export function CoolingBox({ placed }: { placed: PlacedCooling }) {
  const view = useView();
  const { id, label, rect } = placed;
  const { state, priority } = useSettled(() => ({
    state: coolingState({
      running: showAt(view, id, "running"),
      supply: showAt(view, id, "supply"),
      back: showAt(view, id, "return"),
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
      <text x={pad} y="26" font-size={name.size} class="strong t1">
        {name.text}
      </text>
      <Lines state={state} box={{ w, h: h - headH - 10, top: headH, pad }} priority={priority} />
      {priority && <BadgeMark priority={priority} x={w - 8} y={6} s={13} gap />}
    </g>
  );
}

function Lines(props: {
  state: CoolingState;
  box: { w: number; h: number; top: number; pad: number };
  priority: number | null;
}) {
  const { state, box, priority } = props;
  const word =
    state.running === "running" ? null : state.running === "stopped" ? "STOPPED" : "NO READING";
  const rows = [
    ...(word ? [{ word }] : []),
    ...state.lines.map((line) => ({ line })),
    // An unknown unit says how long, in place of a ΔT that cannot be known.
  ].slice(0, Math.max(1, Math.floor(box.h / 22)));
  const step = Math.min(36, box.h / rows.length);
  const size = Math.min(27, step * 0.86, (box.w - 2 * box.pad) / 4.2);
  return (
    <>
      {rows.map((row, i) => {
        const y = box.top + (i + 0.72) * step;
        if ("word" in row && row.word) {
          const text = state.age ? `${row.word} ${state.age}` : row.word;
          const fit = fitText(text, box.w - 2 * box.pad, { max: size, min: 9 });
          return (
            <text key="word" x={box.pad} y={y} font-size={fit.size} class={`bold p${priority}-text`}>
              {fit.text}
            </text>
          );
        }
        if (!("line" in row) || !row.line) return null;
        const { name, value, isOld } = row.line;
        return (
          <g key={name}>
            <text x={box.pad} y={y} font-size={size * 0.72} class="t2">
              {name}
            </text>
            <text x={box.w - box.pad} y={y} font-size={size} class={`end ${isOld ? "t3" : "t1"}`}>
              {value}
            </text>
          </g>
        );
      })}
    </>
  );
}
