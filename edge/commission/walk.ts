import type { Clock } from "../../contract/clock.ts";
import { QUANTITIES } from "../../contract/quantity.ts";
import type { BusLoop } from "../poll/loop.ts";
import { type Live, type LivePoint, runLoops } from "./live.ts";
import type { SheetWriter } from "./point-check.ts";
import {
  leaveOut,
  type Move,
  newWalk,
  relearn,
  stepWalk,
  type Verdict,
  verdictOf,
  type WalkState,
} from "./walk-detector.ts";
import type { Terminal } from "./watch.ts";

export interface WalkDeps {
  live: Live;
  /** The points that take part. */
  points: readonly LivePoint[];
  loops: readonly BusLoop[];
  terminal: Terminal;
  sheet: SheetWriter;
  initials: string;
  clock: Clock;
}

const KEYS_END = ["q", "\x03", "\x04"];
const KEYS_RIGHT = ["\r", "\n", "y"];
const KEYS_WRONG = ["n", "s"];
/** Learning is told in so many steps. */
const LEARN_STEPS = 4;

/** Names the channel that moves and writes down what the person confirms, until q or nothing is left. */
export async function walk(deps: WalkDeps, signal: AbortSignal): Promise<void> {
  const end = new AbortController();
  const stop = () => end.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  const dialogue = new Dialogue(deps, stop);
  deps.live.onSample((point) => dialogue.sample(point));
  deps.terminal.onGone(stop);
  deps.terminal.onKey((key) => dialogue.key(key));
  try {
    await runLoops(deps.loops, end.signal);
  } finally {
    signal.removeEventListener("abort", stop);
    deps.sheet.finish(new Date(deps.clock.nowMs()).toISOString());
    deps.terminal.restore();
  }
}

class Dialogue {
  readonly #deps: WalkDeps;
  readonly #end: () => void;
  readonly #total: number;
  #state: WalkState;
  /** What was found and waits for the person's word. Meanwhile nothing else is looked for. */
  #asked: { move: Move; along: Move[] } | undefined;
  #told = "";

  constructor(deps: WalkDeps, end: () => void) {
    this.#deps = deps;
    this.#end = end;
    this.#total = deps.points.length;
    this.#state = newWalk(
      deps.points.map(({ info, device }) => ({ id: info.id, device, quantity: info.quantity })),
    );
  }

  sample({ info, newest }: LivePoint): void {
    if (!newest || this.#asked) return;
    this.#state = stepWalk(this.#state, info.id, newest.measurement);
    this.#tell(verdictOf(this.#state));
  }

  key(key: string): void {
    if (KEYS_END.includes(key)) this.#end();
    else if (!this.#asked) return;
    else if (KEYS_RIGHT.includes(key)) this.#confirm(this.#asked);
    else if (KEYS_WRONG.includes(key)) {
      this.#asked = undefined;
      this.#state = relearn(this.#state);
      this.#say("Not written down.");
    }
  }

  #tell(verdict: Verdict): void {
    switch (verdict.is) {
      case "learning": {
        const step = Math.floor((LEARN_STEPS * verdict.ready) / verdict.total);
        const { ready, total } = verdict;
        this.#once(`learning ${step}`, `Learning what is normal: ${ready} of ${total} points …`);
        break;
      }
      case "quiet":
        this.#once("quiet", "Touch one sensor: warm it in your hand, open the door. q ends.");
        break;
      case "undecided":
        this.#once(
          "undecided",
          `${this.#deviceText(verdict.move)} moves; waiting for the others …`,
        );
        break;
      case "several":
        this.#several(verdict.moves);
        break;
      case "moved":
        this.#asked = { move: verdict.move, along: verdict.along };
        this.#say(
          `\n  ${[verdict.move, ...verdict.along].map((one) => this.#moveText(one)).join("\n  ")}`,
        );
        this.#say("Is that what you touched? Enter writes it down, n does not, q ends.");
    }
  }

  #several(moves: readonly Move[]): void {
    const list = moves.map((move) => `\n  ${this.#moveText(move)}`).join("");
    this.#say(`Several devices move at once; nothing is written down. Touch one only.${list}`);
    this.#state = relearn(this.#state);
    this.#told = "";
  }

  #confirm({ move, along }: { move: Move; along: Move[] }): void {
    const { sheet, initials, live, clock } = this.#deps;
    const points = new Map(live.points().map((point) => [point.info.id, point]));
    for (const found of [move, ...along])
      sheet.add({
        at: new Date(clock.nowMs()).toISOString(),
        point: found.point,
        device: found.device,
        unit: unitOf(points.get(found.point)),
        from: found.from ?? null,
        seen: found.to ?? null,
        reason: found.reason ?? "",
        raw: found.to === undefined ? "" : (points.get(found.point)?.newest?.raw ?? ""),
        initials,
      });
    this.#asked = undefined;
    this.#state = leaveOut(this.#state, move.device);
    const left = this.#state.points.size;
    this.#say(`Written down. ${left} of ${this.#total} points are left.`);
    this.#told = "";
    if (left === 0) this.#end();
  }

  #moveText({ point, from, to, reason, device }: Move): string {
    const live = this.#deps.points.find(({ info }) => info.id === point);
    const unit = unitOf(live);
    const text = (value: number | undefined) =>
      value === undefined
        ? `no value (${reason ?? "before"})`
        : `${Number(value.toFixed(2))} ${unit}`.trim();
    return `${point}   ${text(from)} → ${text(to)}   (${device} on ${live?.bus ?? "?"})`.trimEnd();
  }

  #deviceText({ device, point }: Move): string {
    return device === point ? point : `${point} of ${device}`;
  }

  #once(what: string, text: string): void {
    if (this.#told === what) return;
    this.#told = what;
    this.#say(text);
  }

  #say(text: string): void {
    this.#deps.terminal.write(`${text.replaceAll("\n", "\r\n")}\r\n`);
  }
}

const unitOf = (live: LivePoint | undefined): string =>
  live ? QUANTITIES[live.info.quantity].unit : "";
