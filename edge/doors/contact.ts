/** A contact as its wire shows it: the level, and how often it moved of late. */
export interface ContactState {
  /** The newest level seen; null before the first. */
  raw: 0 | 1 | null;
  /** When `raw` last changed, on the monotonic clock. */
  sinceMs: number;
  /** The level that held for the debounce time; null before the first did. */
  settled: 0 | 1 | null;
  /** When `settled` began, which is `debounceMs` or more before it counted. */
  settledSinceMs: number;
  /** Times of the newest level changes, at most `CHATTER_EDGES`. */
  edgesMs: readonly number[];
  chattering: boolean;
}

export const NEW_CONTACT: ContactState = {
  raw: null,
  sinceMs: 0,
  settled: null,
  settledSinceMs: 0,
  edgesMs: [],
  chattering: false,
};

/** This many changes within the window are a loose contact, not a door. */
export const CHATTER_EDGES = 20;
export const CHATTER_WINDOW_MS = 10_000;

/** `settled`: another level has held. `chatter` and `calm`: a loose contact began, or was quiet for a window. */
export type ContactChange = "settled" | "chatter" | "calm";

export interface ContactStep {
  state: ContactState;
  changes: ContactChange[];
}

/**
 * Advances one contact by a level (an edge, or one read again) or, without one, by time alone. A level
 * counts once it has held for `debounceMs`; a shorter one leaves no trace but its edges.
 */
export function stepContact(
  before: ContactState,
  level: 0 | 1 | undefined,
  nowMs: number,
  debounceMs: number,
): ContactStep {
  const changes: ContactChange[] = [];
  let state = before;
  if (level !== undefined && level !== before.raw) {
    // A level that held long enough before this edge counts, even if nobody looked in between.
    const held = settle(before, nowMs, debounceMs);
    if (held !== before) changes.push("settled");
    const edgesMs = before.raw === null ? [] : [...held.edgesMs, nowMs].slice(-CHATTER_EDGES);
    state = { ...held, raw: level, sinceMs: nowMs, edgesMs };
  }
  const settled = settle(state, nowMs, debounceMs);
  if (settled !== state) changes.push("settled");
  state = settled;
  const edges = state.edgesMs.filter((edgeMs) => nowMs - edgeMs < CHATTER_WINDOW_MS).length;
  if (!state.chattering && edges >= CHATTER_EDGES) {
    state = { ...state, chattering: true };
    changes.push("chatter");
  } else if (state.chattering && edges === 0) {
    state = { ...state, chattering: false };
    changes.push("calm");
  }
  return { state, changes };
}

/** When the level now seen will have held long enough; undefined when it already counts. */
export function settlesAtMs(state: ContactState, debounceMs: number): number | undefined {
  return state.raw === null || state.raw === state.settled ? undefined : state.sinceMs + debounceMs;
}

function settle(state: ContactState, nowMs: number, debounceMs: number): ContactState {
  const dueMs = settlesAtMs(state, debounceMs);
  if (dueMs === undefined || nowMs < dueMs) return state;
  return { ...state, settled: state.raw, settledSinceMs: state.sinceMs };
}
