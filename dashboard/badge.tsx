import type { AlarmView } from "../contract/api.ts";

type Priority = AlarmView["priority"];

/** Shape, numeral and colour together say the priority: octagon 1, triangle 2, diamond 3, circle 4. */
function shape(priority: Priority, s: number) {
  const a = 0.415 * s;
  switch (priority) {
    case 1:
      return `M${-a} ${-s}H${a}L${s} ${-a}V${a}L${a} ${s}H${-a}L${-s} ${a}V${-a}Z`;
    case 2:
      return `M0 ${-1.08 * s}L${1.12 * s} ${0.86 * s}H${-1.12 * s}Z`;
    case 3:
      return `M0 ${-1.12 * s}L${1.12 * s} 0L0 ${1.12 * s}L${-1.12 * s} 0Z`;
    case 4:
      return `M${-s} 0a${s} ${s} 0 1 0 ${2 * s} 0a${s} ${s} 0 1 0 ${-2 * s} 0Z`;
  }
}

/** Drawn inside an SVG at a point, `s` being half its height. `gap` sets it off from what lies below. */
export function BadgeMark(props: {
  priority: Priority;
  x: number;
  y: number;
  s: number;
  gap?: boolean;
}) {
  const { priority, x, y, s, gap } = props;
  const d = shape(priority, s);
  return (
    <g transform={`translate(${x} ${y})`} class={`badge p${priority}`}>
      {gap && <path d={d} class="badge-gap" style={{ strokeWidth: `${0.6 * s}px` }} />}
      <path d={d} class="badge-fill" style={{ strokeWidth: `${0.26 * s}px` }} />
      <text y={(priority === 2 ? 0.62 : 0.47) * s} font-size={1.32 * s} class="badge-text">
        {priority}
      </text>
    </g>
  );
}

/** A badge as a picture in running text; `rem` is its height. */
export function Badge({ priority, rem }: { priority: Priority; rem: number }) {
  const size = `${rem}rem`;
  return (
    <svg
      viewBox="-12 -12 24 24"
      style={{ width: size, height: size }}
      role="img"
      aria-label={`Priority ${priority}`}
      class="badge-box"
    >
      <BadgeMark priority={priority} x={0} y={0} s={10} />
    </svg>
  );
}
