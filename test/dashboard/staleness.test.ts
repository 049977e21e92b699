import { expect, test } from "vitest";
import type { PointView } from "../../contract/api.ts";
import { hold, isHubLost, showing } from "../../dashboard/staleness.ts";

const T = Date.UTC(2026, 10, 22, 12);

function view(fields: Partial<PointView> = {}): PointView {
  return {
    id: "a03.inlet-top",
    node: "edge-hall",
    label: "A03 inlet top",
    quantity: "temperature",
    unit: "°C",
    value: 23.4,
    quality: "good",
    reason: null,
    at: T,
    ageMs: 0,
    periodMs: 5_000,
    staleAfterMs: 30_000,
    stale: false,
    ...fields,
  };
}
const never = view({ value: null, quality: "never", at: null, ageMs: null });
const bad = (at: number) => view({ value: null, quality: "bad", reason: "no-answer", at });
const held = (point: PointView, heardAt = T) => hold(undefined, { view: point, heardAt });

test("a value is the present up to its stale time, and only as old after it", () => {
  expect(showing(held(view()), T + 30_000)).toMatchObject({ kind: "value", value: 23.4 });
  expect(showing(held(view()), T + 30_001)).toEqual({ kind: "stale", value: 23.4, ageMs: 30_001 });
});

test("a value ages with no event at all", () => {
  const point = held(view());
  const kinds = [0, 29, 31, 600].map((s) => showing(point, T + s * 1_000).kind);
  expect(kinds).toEqual(["value", "value", "stale", "stale"]);
});

test("a point that never gave a reading is never, not zero", () => {
  expect(showing(held(never), T)).toEqual({ kind: "never" });
  expect(showing(undefined, T)).toEqual({ kind: "never" });
});

test("a bad reading has no number, and its age counts from the last value", () => {
  let point = held(view());
  point = hold(point, { view: bad(T + 5_000), heardAt: T + 5_000 });
  point = hold(point, { view: bad(T + 240_000), heardAt: T + 240_000 });
  expect(showing(point, T + 240_000)).toEqual({ kind: "bad", reason: "no-answer", ageMs: 240_000 });
});

test("without a last value the age of a bad reading counts from the first bad one", () => {
  const first = held(bad(T));
  const second = hold(first, { view: bad(T + 60_000), heardAt: T + 60_000 });
  expect(showing(second, T + 61_000)).toMatchObject({ kind: "bad", ageMs: 61_000 });
});

test("a bad reading that stopped coming stays bad; it does not turn into an old value", () => {
  expect(showing(held(bad(T)), T + 3_600_000).kind).toBe("bad");
});

test("a reading stamped 4 min ahead by a wrong edge clock still goes stale 30 s after it was heard", () => {
  const ahead = held(view({ at: T + 240_000 }), T);
  expect(showing(ahead, T + 31_000).kind).toBe("stale");
});

test("an uncertain value is shown with its doubt", () => {
  const point = held(view({ quality: "uncertain", reason: "frozen" }));
  expect(showing(point, T)).toMatchObject({ kind: "value", value: 23.4, doubt: "frozen" });
});

test("the hub is lost after 15 s of silence", () => {
  expect(isHubLost(14_999)).toBe(false);
  expect(isHubLost(15_000)).toBe(true);
});
