import { fitText, textEm } from "../text-fit.ts";
import { hasPoint, useSettled, useView } from "../view.ts";
import { type DoorState, doorState } from "./door-state.ts";
import type { PlacedDoor } from "./plan-layout.ts";

const HALF = 24;
const LABEL = { max: 18, min: 11 };
const LABEL_MAX_W = 200;

/** Into the room from each wall, and along it. */
const WALLS = {
  north: { along: [1, 0], inward: [0, 1] },
  south: { along: [1, 0], inward: [0, -1] },
  west: { along: [0, 1], inward: [1, 0] },
  east: { along: [0, 1], inward: [-1, 0] },
} as const;

export function DoorMark({ placed }: { placed: PlacedDoor }) {
  const view = useView();
  const { id } = placed;
  const { state, priority } = useSettled(() => {
    const contact = `${id}.open`;
    const door = view.store.doors.value.find((each) => each.id === id);
    const shown = hasPoint(view, contact) ? view.store.show(contact) : null;
    return {
      state: doorState(door, shown, view.store.now.value),
      priority: view.worst.value.get(id) ?? null,
    };
  });
  const { along, inward } = WALLS[placed.wall];
  const at = (a: number, i: number) =>
    `${placed.x + along[0] * a + inward[0] * i} ${placed.y + along[1] * a + inward[1] * i}`;
  const leaf =
    state.kind === "open"
      ? `M${at(-HALF, 0)}L${at(-HALF + 34, 34)}`
      : `M${at(-HALF, 0)}L${at(HALF, 0)}`;
  const tone = priority ? `p${priority}` : state.kind;
  return (
    <g class={`door door-${state.kind}`} data-door={id} data-state={state.kind}>
      <path d={`M${at(-HALF, 0)}L${at(HALF, 0)}`} class="door-opening" />
      <path d={leaf} class={`door-leaf door-tone-${tone}`} />
      <DoorLabel placed={placed} state={state} priority={priority} />
    </g>
  );
}

function DoorLabel(props: { placed: PlacedDoor; state: DoorState; priority: number | null }) {
  const { placed, state, priority } = props;
  const words =
    state.kind === "closed"
      ? placed.label
      : state.kind === "open"
        ? `${placed.label} open ${state.for}`.trim()
        : `${placed.label} no reading ${state.for}`.trim();
  const fit = fitText(words, LABEL_MAX_W, LABEL);
  const width = textEm(fit.text) * fit.size + 16;
  const place = labelPlace(placed, width);
  const hasChip = state.kind !== "closed" || priority !== null;
  return (
    <g transform={place}>
      {hasChip && (
        <rect
          width={width}
          height="26"
          rx="4"
          class={priority ? `chip p${priority}` : "chip-plain"}
        />
      )}
      <text
        x="8"
        y="19"
        font-size={fit.size}
        class={hasChip ? (priority ? "strong ink" : "strong t1") : "t2"}
      >
        {fit.text}
      </text>
    </g>
  );
}

/** Beside the opening: level on the long walls, upright along the side walls. */
function labelPlace({ x, y, wall, isUpper }: PlacedDoor, width: number): string {
  if (wall === "north") return `translate(${x + HALF + 4} ${y + 5})`;
  if (wall === "south") return `translate(${x + HALF + 4} ${y - 31})`;
  const left = wall === "west" ? x + 5 : x - 31;
  const bottom = isUpper ? y + HALF + 6 + width : y - HALF - 6;
  return `translate(${left} ${bottom}) rotate(-90)`;
}
