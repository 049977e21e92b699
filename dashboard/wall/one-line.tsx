import { BadgeMark } from "../badge.tsx";
import { current } from "../staleness.ts";
import { fitText, textEm } from "../text-fit.ts";
import { showAt, useSettled, useView, type View } from "../view.ts";
import {
  type FeedBar,
  layoutOneLine,
  type OneLine as OneLinePlan,
  type PlacedUnit,
  type Wire,
} from "./one-line-layout.ts";
import { type Energised, kilowatts, type PowerState, powerState } from "./power-state.ts";
import { useSize } from "./size.ts";

/** From the utility to the racks: what is alive, what carries, how long it lasts. */
export function OneLine() {
  const view = useView();
  const { ref, size } = useSize<HTMLDivElement>();
  const units = view.power.value;
  const plan = size ? layoutOneLine(units, size) : null;
  return (
    <section class="ol dim">
      <div ref={ref} class="drawing">
        {size && plan && (
          <svg viewBox={`0 0 ${size.w} ${size.h}`} role="img" aria-label="Power chain">
            {plan.wires.map((wire) => (
              <WireLine key={wire.path} wire={wire} />
            ))}
            {plan.boxes.map((box) => (
              <UnitBox key={box.units[0]?.id} placed={box} />
            ))}
            {plan.feeds.map((feed) => (
              <Feed key={feed.feed} bar={feed} />
            ))}
            <FeedNote plan={plan} height={size.h} />
            {units.length === 0 && (
              <text x={size.w / 2} y={size.h / 2} font-size="20" class="middle t3">
                No power chain in the site model
              </text>
            )}
          </svg>
        )}
      </div>
    </section>
  );
}

function states(view: View, placed: PlacedUnit): PowerState[] {
  return placed.units.map((unit) => powerState(unit, (role) => showAt(view, unit.id, role)));
}

function energised(all: readonly PowerState[]): Energised {
  if (all.some((state) => state.energised)) return true;
  return all.some((state) => state.energised === null) ? null : false;
}

function WireLine({ wire }: { wire: Wire }) {
  const view = useView();
  const isLive = useSettled(() => energised(states(view, wire.from)));
  const kind = isLive === null ? "unknown" : isLive ? "live" : "dead";
  return <path d={wire.path} class={`wire wire-${kind}`} data-wire={kind} />;
}

const KIND_WORDS = {
  utility: "utilities",
  generator: "generators",
  transfer: "transfer switches",
  ups: "UPS",
  pdu: "PDUs",
} as const;

function UnitBox({ placed }: { placed: PlacedUnit }) {
  const view = useView();
  const { units, rect } = placed;
  const first = units[0]!;
  const { shown, priority } = useSettled(() => {
    const all = states(view, placed);
    const priorities = units.flatMap((unit) => view.worst.value.get(unit.id) ?? []);
    return {
      shown: all.length === 1 ? all[0]! : folded(all),
      priority: priorities.length > 0 ? (Math.min(...priorities) as 1 | 2 | 3 | 4) : null,
    };
  });
  const name = units.length === 1 ? first.label : `${units.length} ${KIND_WORDS[first.kind]}`;
  const frame = priority === 1 ? "box-p1" : priority ? `box alarm-box p${priority}` : "box";
  const { x, y, w, h } = rect;
  const tone = shown.isUnknown
    ? "t1"
    : priority
      ? `p${priority}-text`
      : shown.isAbnormal
        ? "t1"
        : "t2";
  const isFlat = h < 50;
  const size = { max: isFlat ? 18 : 19, min: 9 };
  const label = fitText(name, isFlat ? w * 0.45 : w - (priority ? 34 : 20), size);
  const used = isFlat ? textEm(label.text) * label.size + (priority ? 50 : 32) : 20;
  const words = fitText(shown.words, w - used, { max: isFlat ? 17 : 19.5, min: 9 });
  const weight = shown.isAbnormal || priority || shown.isUnknown ? "strong" : "";
  return (
    <g
      class={priority === 1 ? "on-p1" : ""}
      data-power={first.id}
      data-energised={`${shown.energised}`}
    >
      <rect x={x} y={y} width={w} height={h} rx="4" class="fill-panel" />
      <rect
        x={x}
        y={y}
        width={w}
        height={h}
        rx="4"
        class={shown.isUnknown ? `hatched ${frame}` : frame}
      />
      {shown.isUnknown && (
        <rect x={x + 5} y={y + 4} width={w - 10} height={h - 8} rx="3" class="fill-raised" />
      )}
      <text
        x={x + 11}
        y={isFlat ? placed.y + 6 : placed.y - 6}
        font-size={label.size}
        class="strong t1"
      >
        {label.text}
      </text>
      <text
        x={isFlat ? x + w - (priority ? 28 : 10) : x + 11}
        y={isFlat ? placed.y + 6 : placed.y + 20}
        font-size={words.size}
        class={`${tone} ${weight} ${isFlat ? "end" : ""}`}
      >
        {words.text}
      </text>
      {priority && <BadgeMark priority={priority} x={x + w - 8} y={y + 5} s={12.5} gap />}
    </g>
  );
}

/** Several units in one box: the worst thing any of them says. */
function folded(all: readonly PowerState[]): PowerState {
  const bad = all.find((state) => state.isAbnormal) ?? all.find((state) => state.isUnknown);
  const one = bad ?? all[0]!;
  return { ...one, energised: energised(all), words: bad ? one.words : `all: ${one.words}` };
}

/** Load of the feed's UPS in percent; null when unknown, undefined when the feed has none. */
function feedLoad(view: View, feed: "A" | "B"): number | null | undefined {
  const units = view.power.value.filter((unit) => unit.kind === "ups" && unit.feed === feed);
  if (units.length === 0) return undefined;
  const loads = units.map((unit) => current(showAt(view, unit.id, "load")));
  return loads.includes(null) ? null : Math.max(...loads.map((load) => load ?? 0));
}

function Feed({ bar }: { bar: FeedBar }) {
  const view = useView();
  const { feed, x, y, w } = bar;
  const { powerW, load } = useSettled(() => {
    const pdus = view.power.value.filter((unit) => unit.kind === "pdu" && unit.feed === feed);
    const powers = pdus.map((unit) => current(showAt(view, unit.id, "power")));
    return {
      powerW: powers.length === 0 || powers.includes(null) ? null : sum(powers),
      load: feedLoad(view, feed) ?? null,
    };
  });
  const value = powerW === null ? "– kW" : `${kilowatts(powerW)} kW`;
  return (
    <g data-feed={feed}>
      <text x={x + 10} y={y - 8} font-size="20" class="strong t1">
        Feed {feed}
      </text>
      <text x={x + w} y={y - 8} font-size="24" class="strong t1 end">
        {fitText(value, w - 90, { max: 24, min: 24 }).text}
      </text>
      <rect
        x={x + 10}
        y={y + 5}
        width={w - 10}
        height="14"
        rx="4"
        class={load === null ? "hatched" : "fill-page"}
      />
      {load !== null && (
        <rect
          x={x + 10}
          y={y + 5}
          width={(w - 10) * Math.min(1, load / 100)}
          height="14"
          rx="4"
          class="bar"
        />
      )}
      <path d={`M${x + 10 + (w - 10) / 2} ${y}v24`} class="half-line" />
    </g>
  );
}

function sum(values: readonly (number | null)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}

/** The 50 % line explained, or contradicted. */
function FeedNote({ plan, height }: { plan: OneLinePlan; height: number }) {
  const view = useView();
  const [a, b] = plan.feeds;
  const { text, isLoud } = useSettled(() => {
    const loads = [feedLoad(view, "A"), feedLoad(view, "B")];
    const total = loads.includes(null) ? null : sum(loads as number[]);
    return total !== null && total > 100
      ? { text: "one feed cannot carry all", isLoud: true }
      : { text: "50 %: one feed carries all", isLoud: false };
  });
  if (!a || !b) return null;
  const fit = fitText(text, a.w - 10, { max: 17, min: 9 });
  return (
    <text
      x={a.x + 10 + (a.w - 10) / 2}
      y={height / 2 + 7}
      font-size={fit.size}
      class={`middle ${isLoud ? "t1 strong" : "t3"}`}
    >
      {fit.text}
    </text>
  );
}
