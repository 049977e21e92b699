import type { Clock } from "../../contract/clock.ts";
import type { BusLoop } from "../poll/loop.ts";
import { type Live, type LivePoint, runLoops } from "./live.ts";
import { lastOffset, measurementText, type WatchView, watchScreen } from "./watch-view.ts";

/** The part of a terminal that is written to and whose keys are read. */
export interface Terminal {
  write(text: string): void;
  /** Undefined when the output is a file or a pipe. */
  size(): { columns: number; rows: number } | undefined;
  onResize(listener: () => void): void;
  /** Keys as the terminal sends them, such as `q` or `\x1b[B`. */
  onKey(listener: (key: string) => void): void;
  /** Nobody reads any longer: the window was closed, or the pipe behind it. */
  onGone(listener: () => void): void;
  /** Gives the terminal back as it was. */
  restore(): void;
}

export interface WatchDeps {
  node: string;
  live: Live;
  loops: readonly BusLoop[];
  terminal: Terminal;
  clock: Clock;
}

const REDRAW_MS = 500;
const HIDE_CURSOR = "\x1b[?25l";
const SHOW_CURSOR = "\x1b[?25h";
const OWN_SCREEN = "\x1b[?1049h";
const OLD_SCREEN = "\x1b[?1049l";
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";
const KEYS_QUIT = ["q", "\x03", "\x04"];
const KEYS_DOWN: Record<string, number> = { "\x1b[B": 1, j: 1, "\x1b[6~": 10, " ": 10 };
const KEYS_UP: Record<string, number> = { "\x1b[A": 1, k: 1, "\x1b[5~": 10 };

/** Shows live values until `signal` aborts or somebody presses q or Ctrl-C. */
export async function watch(deps: WatchDeps, signal: AbortSignal): Promise<void> {
  const quit = new AbortController();
  const stop = () => quit.abort();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  deps.terminal.onGone(stop);
  const showing = deps.terminal.size() ? redraw(deps, quit) : tellChanges(deps, quit.signal);
  try {
    await Promise.all([runLoops(deps.loops, quit.signal), showing]);
  } finally {
    quit.abort();
    signal.removeEventListener("abort", stop);
    deps.terminal.restore();
  }
}

async function redraw(deps: WatchDeps, quit: AbortController): Promise<void> {
  const { terminal, clock } = deps;
  let offset = 0;
  const draw = () => {
    const view = viewOf(deps, offset);
    const lines = watchScreen(view).map((line) => `${line}${CLEAR_LINE}`);
    terminal.write(`${HOME}${lines.join("\r\n")}${CLEAR_BELOW}`);
  };
  terminal.onResize(draw);
  terminal.onKey((key) => {
    if (KEYS_QUIT.includes(key)) return quit.abort();
    const moved = offset + (KEYS_DOWN[key] ?? 0) - (KEYS_UP[key] ?? 0);
    offset = Math.max(0, Math.min(moved, lastOffset(viewOf(deps, 0))));
    draw();
  });
  terminal.write(`${OWN_SCREEN}${HIDE_CURSOR}`);
  try {
    while (!quit.signal.aborted) {
      draw();
      await clock.sleep(REDRAW_MS, quit.signal);
    }
  } finally {
    terminal.write(`${SHOW_CURSOR}${OLD_SCREEN}`);
  }
}

function viewOf({ node, live, loops, terminal, clock }: WatchDeps, offset: number): WatchView {
  const { columns, rows } = terminal.size() ?? { columns: 80, rows: 24 };
  return {
    node,
    points: live.points(),
    buses: loops.map((loop) => ({ bus: loop.bus, health: loop.health() })),
    monoMs: clock.monoMs(),
    columns,
    rows,
    offset,
  };
}

/** Not on a terminal: one line for each point whose text changed. */
async function tellChanges({ live, terminal }: WatchDeps, signal: AbortSignal): Promise<void> {
  const told = new Map<string, string>();
  live.onSample((point) => {
    if (signal.aborted || !point.newest) return;
    const text = measurementText(point, point.newest.measurement);
    if (told.get(point.info.id) === text) return;
    told.set(point.info.id, text);
    terminal.write(`${changeLine(point, text)}\n`);
  });
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

function changeLine({ info, newest }: LivePoint, text: string): string {
  const at = new Date(newest?.at ?? 0).toISOString();
  return `${at}  ${info.id}  ${text}${newest?.raw ? `  ${newest.raw}` : ""}`;
}

/** This process's terminal. Keys come one by one, so Ctrl-C arrives as a key and not as a signal. */
export function processTerminal(): Terminal {
  const { stdin, stdout } = process;
  let raw = false;
  return {
    write: (text) => stdout.write(text),
    size: () => (stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : undefined),
    onResize: (listener) => stdout.on("resize", listener),
    // A write into a closed pipe fails as an event, which would end the program with a trace.
    onGone: (listener) => stdout.on("error", listener),
    onKey(listener) {
      if (!stdin.isTTY) return;
      stdin.setRawMode(true);
      raw = true;
      stdin.setEncoding("utf8");
      stdin.on("data", (key) => listener(String(key)));
      stdin.resume();
    },
    restore() {
      if (raw) stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
