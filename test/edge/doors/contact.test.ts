import fc from "fast-check";
import { expect, test } from "vitest";
import {
  CHATTER_EDGES,
  type ContactState,
  NEW_CONTACT,
  settlesAtMs,
  stepContact,
} from "../../../edge/doors/contact.ts";

const DEBOUNCE_MS = 100;
type Look = [atMs: number, level: 0 | 1 | "tick", settled: 0 | 1 | null];

/** Plays levels and ticks; each row says which level counts after it. */
function play(looks: Look[]): { state: ContactState; changes: string[] } {
  let state = NEW_CONTACT;
  const changes: string[] = [];
  for (const [atMs, level, settled] of looks) {
    const step = stepContact(state, level === "tick" ? undefined : level, atMs, DEBOUNCE_MS);
    state = step.state;
    changes.push(...step.changes.map((change) => `${atMs} ${change}`));
    expect(state.settled, `after ${level} at ${atMs} ms`).toBe(settled);
  }
  return { state, changes };
}

const stories: [string, Look[], string[]][] = [
  [
    "counts the first level once it held 100 ms",
    [
      [0, 0, null],
      [99, "tick", null],
      [100, "tick", 0],
    ],
    ["100 settled"],
  ],
  [
    "takes a new level after 100 ms",
    [
      [0, 0, null],
      [100, "tick", 0],
      [500, 1, 0],
      [599, "tick", 0],
      [600, "tick", 1],
    ],
    ["100 settled", "600 settled"],
  ],
  [
    "forgets a bounce of 30 ms",
    [
      [0, 0, null],
      [100, "tick", 0],
      [500, 1, 0],
      [530, 0, 0],
      [700, "tick", 0],
    ],
    ["100 settled"],
  ],
  [
    "begins anew with each bounce",
    [
      [0, 0, null],
      [100, "tick", 0],
      [500, 1, 0],
      [530, 0, 0],
      [540, 1, 0],
      [600, "tick", 0],
      [640, "tick", 1],
    ],
    ["100 settled", "640 settled"],
  ],
  [
    "does not start again when the same level is read again",
    [
      [0, 0, null],
      [60, 0, null],
      [100, 0, 0],
    ],
    ["100 settled"],
  ],
  [
    "counts a level that held although nobody looked before it went",
    [
      [0, 0, null],
      [100, "tick", 0],
      [500, 1, 0],
      [900, 0, 1],
      [1_000, "tick", 0],
    ],
    ["100 settled", "900 settled", "1000 settled"],
  ],
  [
    "recovers a lost edge when the level is read again",
    [
      [0, 0, null],
      [100, "tick", 0],
      [2_000, 1, 0],
      [2_100, "tick", 1],
    ],
    ["100 settled", "2100 settled"],
  ],
];

test.each(stories)("%s", (_name, looks, changes) => {
  expect(play(looks).changes).toEqual(changes);
});

test("knows when the new level began, not when it was believed", () => {
  const { state } = play([
    [0, 0, null],
    [100, "tick", 0],
    [500, 1, 0],
    [640, "tick", 1],
  ]);
  expect(state.settledSinceMs).toBe(500);
  expect(settlesAtMs(state, DEBOUNCE_MS)).toBeUndefined();
});

test("calls 20 changes within 10 s chatter, once, and calm after 10 s without a change", () => {
  const looks: Look[] = [
    [0, 0, null],
    [100, "tick", 0],
  ];
  for (let i = 0; i < CHATTER_EDGES + 5; i += 1)
    looks.push([1_000 + i * 50, i % 2 === 0 ? 1 : 0, 0]);
  const lastMs = 1_000 + (CHATTER_EDGES + 4) * 50;
  looks.push([lastMs + 100, "tick", 1], [lastMs + 9_999, "tick", 1], [lastMs + 10_000, "tick", 1]);
  expect(play(looks).changes).toEqual([
    "100 settled",
    `${1_000 + (CHATTER_EDGES - 1) * 50} chatter`,
    `${lastMs + 100} settled`,
    `${lastMs + 10_000} calm`,
  ]);
});

test("never counts a level that did not hold 100 ms, and always one that did", () => {
  const edges = fc.array(fc.tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom(0, 1)), {
    maxLength: 40,
  });
  fc.assert(
    fc.property(edges, (steps) => {
      let state = NEW_CONTACT;
      let nowMs = 0;
      let levelSinceMs = 0;
      let level: number | null = null;
      for (const [gapMs, next] of steps) {
        const heldLong = level !== null && nowMs + gapMs - levelSinceMs >= DEBOUNCE_MS;
        nowMs += gapMs;
        const before: number | null = level;
        if (heldLong) {
          state = stepContact(state, undefined, nowMs, DEBOUNCE_MS).state;
          expect(state.settled).toBe(before);
        }
        const settled = state.settled;
        state = stepContact(state, next as 0 | 1, nowMs, DEBOUNCE_MS).state;
        if (next !== level) {
          levelSinceMs = nowMs;
          level = next;
        } else if (!heldLong) expect(state.settled).toBe(settled);
        expect(state.edgesMs.length).toBeLessThanOrEqual(CHATTER_EDGES);
      }
    }),
  );
});
