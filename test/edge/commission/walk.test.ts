import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { systemClock } from "../../../contract/clock.ts";
import type { QuantityId } from "../../../contract/quantity.ts";
import { bad, good, type Measurement } from "../../../contract/reading.ts";
import {
  type Check,
  SheetWriter,
  sheetKey,
  verifySheet,
} from "../../../edge/commission/point-check.ts";
import { walk } from "../../../edge/commission/walk.ts";
import {
  BASELINE_SAMPLES,
  leaveOut,
  newWalk,
  relearn,
  stepWalk,
  verdictOf,
  type WalkState,
} from "../../../edge/commission/walk-detector.ts";
import { withRoom } from "../../room/room-fixture.ts";
import { until } from "../../system/until.ts";
import { FakeTerminal, liveLoops, roomConfig } from "./room-live.ts";

/** Two probes, a humid one, a door; each row gives one sample to every point named. */
const POINTS: [id: string, device: string, quantity: QuantityId][] = [
  ["a.t", "a", "temperature"],
  ["a.h", "a", "humidity"],
  ["b.t", "b", "temperature"],
  ["door.open", "door", "flag"],
];
const START = newWalk(POINTS.map(([id, device, quantity]) => ({ id, device, quantity })));
const NORMAL: Record<string, number> = { "a.t": 22, "a.h": 40, "b.t": 23, "door.open": 0 };

type Row = Record<string, number | "gone">;

function play(state: WalkState, rows: readonly Row[]): WalkState {
  let now = state;
  for (const row of rows)
    for (const [id, value] of Object.entries(row))
      now = stepWalk(now, id, value === "gone" ? bad("no-answer") : good(value));
  return now;
}

/** Eight rows with ±0.02 of noise. */
const baseline = Array.from({ length: BASELINE_SAMPLES }, (_, i) =>
  Object.fromEntries(
    Object.entries(NORMAL).map(([id, value]) => [
      id,
      id === "door.open" ? 0 : value + (i % 2 ? 0.02 : -0.02),
    ]),
  ),
);
const LEARNT = play(START, baseline);
const calm = (row: Row): Row => ({ ...NORMAL, ...row });

const STORIES: [name: string, rows: Row[], verdict: object][] = [
  ["nothing moves", [NORMAL, NORMAL, NORMAL], { is: "quiet" }],
  [
    "0.4 °C is no touch, even in a quiet probe",
    [{ "a.t": 22.4 }, { "a.t": 22.4 }, { "a.t": 22.4 }],
    { is: "quiet" },
  ],
  ["2 samples are not enough", [calm({ "a.t": 24 }), calm({ "a.t": 24.5 })], { is: "quiet" }],
  [
    "a spike between normal samples is none",
    [calm({ "a.t": 30 }), NORMAL, calm({ "a.t": 30 }), NORMAL],
    { is: "quiet" },
  ],
  [
    "jumping above and below is no move",
    [calm({ "a.t": 24 }), calm({ "a.t": 20 }), calm({ "a.t": 24 })],
    { is: "quiet" },
  ],
  [
    "a warmed probe, 3 samples away",
    [calm({ "a.t": 23 }), calm({ "a.t": 24 }), calm({ "a.t": 25 })],
    { is: "moved", move: { point: "a.t", to: 25 }, along: [] },
  ],
  [
    "humidity of the same chip goes along",
    [
      calm({ "a.t": 24, "a.h": 50 }),
      calm({ "a.t": 25, "a.h": 55 }),
      calm({ "a.t": 25, "a.h": 60 }),
    ],
    { is: "moved", move: { device: "a" }, along: [{ device: "a" }] },
  ],
  [
    "two devices at once are said to be two",
    [
      calm({ "a.t": 24, "b.t": 25 }),
      calm({ "a.t": 24, "b.t": 25 }),
      calm({ "a.t": 24, "b.t": 25 }),
    ],
    { is: "several", moves: [{ point: "a.t" }, { point: "b.t" }] },
  ],
  [
    "a slower probe has not been read since",
    [{ "a.t": 24 }, { "a.t": 24 }, { "a.t": 24 }],
    { is: "undecided", move: { point: "a.t" } },
  ],
  [
    "another device wavers",
    [calm({ "a.t": 24 }), calm({ "a.t": 24 }), calm({ "a.t": 24, "b.t": 26 })],
    { is: "undecided" },
  ],
  [
    "a door is certain at once",
    [{ "door.open": 1 }],
    { is: "moved", move: { point: "door.open", from: 0, to: 1 } },
  ],
  ["a door that closed again is quiet", [{ "door.open": 1 }, { "door.open": 0 }], { is: "quiet" }],
  [
    "a sensor that was pulled out",
    [calm({ "b.t": "gone" }), calm({ "b.t": "gone" }), calm({ "b.t": "gone" })],
    { is: "moved", move: { point: "b.t", to: undefined, reason: "no-answer" } },
  ],
];

test.each(STORIES)("%s", (_name, rows, verdict) => {
  expect(verdictOf(play(LEARNT, rows))).toMatchObject(verdict);
});

test("nothing is judged before every point is learnt, and a sensor that was dead then is found when plugged in", () => {
  const rows = baseline.map((row) => ({ ...row, "b.t": "gone" as const }));
  expect(verdictOf(play(START, rows.slice(1)))).toEqual({ is: "learning", ready: 1, total: 4 });
  const learnt = play(START, rows);
  expect(verdictOf(learnt)).toEqual({ is: "quiet" });
  const plugged = play(learnt, [calm({}), calm({}), calm({})]);
  expect(verdictOf(plugged)).toMatchObject({
    is: "moved",
    move: { point: "b.t", from: undefined, to: 23 },
  });
});

test("a noisy sensor must move by 6 times its noise", () => {
  const noisy = baseline.map((row, i) => ({ ...row, "b.t": i % 2 ? 23.5 : 22.5 }));
  const learnt = play(START, noisy);
  const at = (value: number) =>
    verdictOf(
      play(
        learnt,
        [1, 2, 3].map(() => calm({ "b.t": value })),
      ),
    );
  expect(at(25.5)).toEqual({ is: "quiet" });
  expect(at(27)).toMatchObject({ is: "moved", move: { point: "b.t" } });
});

test("a room that warms up by 3 °C over 400 samples is no move", () => {
  let state = LEARNT;
  for (let i = 0; i < 400; i += 1) {
    state = play(state, [calm({ "a.t": 22 + 0.0075 * i, "b.t": 23 + 0.0075 * i })]);
    expect(verdictOf(state)).toEqual({ is: "quiet" });
  }
});

test("a device that was found is left out while it cools, and relearning starts anew", () => {
  const warmed = play(
    LEARNT,
    [1, 2, 3].map(() => calm({ "a.t": 25 })),
  );
  const left = leaveOut(warmed, "a");
  expect(verdictOf(left)).toEqual({ is: "quiet" });
  expect([...left.points.keys()]).toEqual(["b.t", "door.open"]);
  expect(verdictOf(relearn(warmed))).toMatchObject({ is: "learning", ready: 1 });
});

test("after relearning an open door is normal, and closing it is the move", () => {
  const open = relearn(play(LEARNT, [{ "door.open": 1 }]));
  const rows = baseline.map((row) => ({ ...row, "door.open": 1 }));
  expect(verdictOf(play(open, rows))).toEqual({ is: "quiet" });
  expect(verdictOf(play(open, [...rows, { "door.open": 0 }]))).toMatchObject({ move: { to: 0 } });
});

test("whatever is measured, never is one device named while another is away from its normal too", () => {
  const sample = fc.tuple(
    fc.constantFrom("a.t", "b.t"),
    fc.oneof(fc.double({ min: 15, max: 35, noNaN: true }), fc.constant("gone" as const)),
  );
  fc.assert(
    fc.property(fc.array(sample, { maxLength: 60 }), (samples) => {
      let state = LEARNT;
      for (const [id, value] of samples) {
        const measurement: Measurement = value === "gone" ? bad("bus") : good(value);
        state = stepWalk(state, id, measurement);
        const verdict = verdictOf(state);
        if (verdict.is !== "moved") continue;
        const away = [...state.points.values()].filter((point) => point.away);
        expect(new Set(away.map(({ device }) => device)).size).toBe(1);
      }
    }),
  );
});

test("a walk through the room names the warmed probe and the opened door and signs what the person confirms", async () => {
  const folder = mkdtempSync(path.join(tmpdir(), "plenum-walk-"));
  const lines: string[] = [];
  await withRoom(
    async (room) => {
      const config = roomConfig(room);
      const { live, loops } = liveLoops(config);
      const points = live.points().filter(({ device }) => device !== "ups-a");
      const terminal = new FakeTerminal({ columns: 80, rows: 24 });
      const start = { node: "pi-1", at: new Date().toISOString(), initials: "AB" };
      const sheet = new SheetWriter(sheetKey(path.join(folder, "key")), start, (line) =>
        lines.push(line),
      );
      const deps = { live, points, loops, terminal, sheet, initials: "AB", clock: systemClock };
      const walking = walk(deps, new AbortController().signal);
      const said = (text: string) =>
        until(text, () => terminal.text.includes(text)).catch((error: Error) => {
          throw new Error(`${error.message}\n${terminal.text}`);
        });
      await said("Touch one sensor");
      room.do("drift", "a02.inlet-top", 3);
      await said("a02.inlet-top   ");
      terminal.press("\r");
      await said("Written down. 5 of 6");
      room.do("open", "door-a1");
      await said("door-a1.open   0 → 1");
      terminal.press("n");
      await said("Not written down");
      await until("quiet again", () => terminal.text.split("Touch one").length > 2);
      room.do("close", "door-a1");
      await said("door-a1.open   1 → 0");
      terminal.press("\r");
      await said("Written down. 4 of 6");
      room.do("unplug", "a01.inlet-top");
      await said("no value (no-answer)   (a01-top on i2c-11)");
      terminal.press("y");
      await said("Written down. 2 of 6");
      terminal.press("q");
      await walking;
      expect(terminal.restored).toBe(1);
    },
    { speed: 0 },
  );
  rmSync(folder, { recursive: true });
  const checked = verifySheet(lines.join("\n"));
  expect(checked.is).toBe("genuine");
  if (checked.is !== "genuine") return;
  expect(checked.checks.map(({ point, initials }: Check) => [point, initials])).toEqual([
    ["a02.inlet-top", "AB"],
    ["door-a1.open", "AB"],
    ["a01.inlet-top", "AB"],
    ["a01.humidity", "AB"],
  ]);
  const [warmed, , pulled] = checked.checks;
  expect((warmed?.seen ?? 0) - (warmed?.from ?? 0)).toBeCloseTo(3, 0);
  expect(warmed?.raw).toMatch(/^[0-9a-f]{12}$/);
  expect(pulled).toMatchObject({ seen: null, reason: "no-answer", raw: "" });
}, 60_000);
