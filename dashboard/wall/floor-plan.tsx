import { warmEdges } from "../inlet-scale.ts";
import { current } from "../staleness.ts";
import { fitText, textEm } from "../text-fit.ts";
import { useSettled, useView } from "../view.ts";
import { CoolingBox } from "./cooling-box.tsx";
import { DoorMark } from "./door-mark.tsx";
import { layoutRooms, type PlacedAisle, type PlacedRoom, TITLE_H } from "./plan-layout.ts";
import { pointWords } from "./point-words.ts";
import { RackAlarm, RackTile } from "./rack-tile.tsx";
import { useSize } from "./size.ts";

/** The rooms as they lie on the floor, filling whatever room the screen gives them. */
export function FloorPlan() {
  const view = useView();
  const { ref, size } = useSize<HTMLDivElement>();
  const site = view.site.value;
  const rooms = site && size ? layoutRooms(site.rooms, { x: 0, y: 0, w: size.w, h: size.h }) : [];
  return (
    <section class="fp dim">
      <div ref={ref} class="drawing">
        {size && (
          <svg viewBox={`0 0 ${size.w} ${size.h}`} role="img" aria-label="Floor plan">
            <defs>
              <pattern
                id="hatch"
                width="9"
                height="9"
                patternUnits="userSpaceOnUse"
                patternTransform="rotate(45)"
              >
                <rect width="9" height="9" class="fill-panel" />
                <rect width="3" height="9" class="hatch-line" />
              </pattern>
            </defs>
            {rooms.map((placed, i) => (
              <RoomPlan key={placed.room.id} placed={placed} hasKey={i === 0} />
            ))}
          </svg>
        )}
      </div>
    </section>
  );
}

function RoomPlan({ placed, hasKey }: { placed: PlacedRoom; hasKey: boolean }) {
  const { walls, room } = placed;
  const keyW = hasKey && walls.w > 560 ? KEY_W + 60 : 0;
  return (
    <g data-room={room.id}>
      <RoomTitle placed={placed} width={walls.w - keyW - 8} />
      {keyW > 0 && <InletKey x={walls.x + walls.w - KEY_W} y={walls.y - TITLE_H + 1} />}
      <rect x={walls.x} y={walls.y} width={walls.w} height={walls.h} rx="3" class="walls" />
      {placed.aisles.map((aisle) => (
        <Aisle key={aisle.label} aisle={aisle} />
      ))}
      {placed.rowLabels.map(({ label, x, y }) => (
        <text key={label} x={x} y={y} font-size="28" class="middle strong t2">
          {fitText(label, 40, { max: 28, min: 28 }).text}
        </text>
      ))}
      {placed.racks.map((rack) => (
        <RackTile key={rack.rack.id} placed={rack} />
      ))}
      {placed.cooling.map((unit) => (
        <CoolingBox key={unit.id} placed={unit} />
      ))}
      {placed.doors.map((door) => (
        <DoorMark key={door.id} placed={door} />
      ))}
      {placed.racks.map((rack) => (
        <RackAlarm key={rack.rack.id} placed={rack} />
      ))}
    </g>
  );
}

function RoomTitle({ placed, width }: { placed: PlacedRoom; width: number }) {
  const view = useView();
  const { room, walls } = placed;
  const words = useSettled(() =>
    room.points.map((id) => pointWords(view.store.held(id)?.view, view.store.show(id))).join(" · "),
  );
  const label = fitText(room.label, width * (words ? 0.45 : 1), { max: 21, min: 13 });
  const at = walls.x + 2 + textEm(label.text) * label.size + 12;
  const rest = fitText(words, Math.max(0, walls.x + width - at), { max: 21, min: 13 });
  return (
    <>
      <text x={walls.x + 2} y={walls.y - 8} font-size={label.size} class="strong t1">
        {label.text}
      </text>
      {words && (
        <text x={at} y={walls.y - 8} font-size={rest.size} class="t2">
          {rest.text}
        </text>
      )}
    </>
  );
}

function Aisle({ aisle }: { aisle: PlacedAisle }) {
  const view = useView();
  const { x, y, w, h } = aisle.rect;
  const values = useSettled(() =>
    aisle.points.flatMap((id) => {
      const point = view.store.held(id)?.view;
      const value = current(view.store.show(id));
      return point ? [value === null ? "–" : `${value.toFixed(1)} ${point.unit}`] : [];
    }),
  );
  const size = Math.min(18, h * 0.62);
  const label = fitText(aisle.label.toUpperCase(), w * 0.55, { max: size, min: 9 });
  const middle =
    aisle.labelAt === "middle"
      ? y + h / 2 + size * 0.36
      : aisle.labelAt === "top"
        ? y + size + 9
        : y + h - 16;
  return (
    <g>
      {aisle.kind === "cold" && (
        <rect x={x} y={y + 3} width={w} height={Math.max(0, h - 8)} class="fill-page" />
      )}
      <text x={x + w / 2} y={middle} font-size={label.size} class="middle t3 spaced">
        {label.text}
      </text>
      {values.length > 0 && (
        <text x={x + w - 8} y={middle} font-size={size} class="end t1">
          {fitText(values.join("  "), w * 0.22, { max: size, min: 9 }).text}
        </text>
      )}
    </g>
  );
}

const KEY = [
  ["c3", 26],
  ["c2", 26],
  ["c1", 38],
  ["n1", 28],
  ["n2", 28],
  ["n3", 28],
  ["n4", 28],
  ["w1", 46],
  ["w2", 46],
  ["w3", 46],
] as const;
const KEY_W = KEY.reduce((sum, [, w]) => sum + w, 0);

/** What the tile colours mean, with the site's own limits. */
function InletKey({ x, y }: { x: number; y: number }) {
  const band = useView().site.value!.inletBand;
  const [w1, w2, w3] = warmEdges(band);
  const words: Partial<Record<string, string>> = {
    c1: `<${band.minC}`,
    w1: `>${w1}`,
    w2: `>${w2}`,
    w3: `>${w3}`,
  };
  let at = x;
  return (
    <g>
      <text x={x - 8} y={y + 16} font-size="17" class="end t3">
        inlet
      </text>
      {KEY.map(([step, w]) => {
        const left = at;
        at += w;
        const word = words[step];
        return (
          <g key={step} class={`on-${step}`}>
            <rect x={left} y={y} width={w - 1} height="20" class={`fill-${step}`} />
            {word && (
              <text x={left + w / 2} y={y + 15.5} font-size="15" class="middle strong">
                {fitText(word, w - 4, { max: 15, min: 9 }).text}
              </text>
            )}
          </g>
        );
      })}
      <text x={x + 90 + 56} y={y + 15.5} font-size="15" class="middle strong t1">
        {`${band.minC}–${band.maxC} °C`}
      </text>
    </g>
  );
}
