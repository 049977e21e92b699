import { expect, test } from "vitest";
import type { Showing } from "../../dashboard/staleness.ts";
import { layoutOneLine } from "../../dashboard/wall/one-line-layout.ts";
import { layoutRooms } from "../../dashboard/wall/plan-layout.ts";
import { powerState } from "../../dashboard/wall/power-state.ts";
import { largeSite } from "./fixture-large.ts";
import { fixtureSite } from "./fixture-world.ts";

const NEVER: Showing = { kind: "never" };
const OLD: Showing = { kind: "stale", value: 230, ageMs: 190_000 };
/** Measured now, unless given as a Showing. */
function look(values: Record<string, number | Showing>) {
  return (role: string): Showing => {
    const found = values[role];
    if (found === undefined) return NEVER;
    return typeof found === "number"
      ? { kind: "value", value: found, ageMs: 0, doubt: null }
      : found;
  };
}
const three = (a: number, b = a, c = a) => ({ "voltage-l1": a, "voltage-l2": b, "voltage-l3": c });

type Kind = Parameters<typeof powerState>[0]["kind"];
test.each<[string, Kind, Record<string, number | Showing>, string, boolean | null]>([
  ["healthy utility", "utility", { ...three(230), frequency: 50 }, "230 V · 50.0 Hz", true],
  ["lost utility, measured 0 V", "utility", { ...three(0), frequency: 0 }, "0 V · lost", false],
  ["one lost phase", "utility", { ...three(230, 3, 230), frequency: 50 }, "L2 3 V · 50.0 Hz", true],
  ["silent utility meter", "utility", { "voltage-l1": OLD }, "no reading 3 min", null],
  ["utility never heard", "utility", {}, "no reading yet", null],
  [
    "UPS online",
    "ups",
    { "on-battery": 0, "output-voltage": 230, runtime: 1_499, load: 46 },
    "online · 24 min · 46 %",
    true,
  ],
  [
    "UPS on battery",
    "ups",
    { "on-battery": 1, "output-voltage": 230, runtime: 683 },
    "BATTERY · 11 min",
    true,
  ],
  ["UPS in bypass", "ups", { "on-battery": 0, bypass: 1, "output-voltage": 230 }, "BYPASS", true],
  ["UPS without output", "ups", { "on-battery": 0, "output-voltage": 0 }, "NO OUTPUT", false],
  [
    "UPS whose mode is silent",
    "ups",
    { "on-battery": OLD, "output-voltage": 230 },
    "mode unknown",
    true,
  ],
  [
    "UPS with old values only",
    "ups",
    { "on-battery": OLD, "output-voltage": OLD },
    "no reading 3 min",
    null,
  ],
  [
    "stopped generator",
    "generator",
    { speed: 0, fuel: 92.7, ...three(0) },
    "stopped · fuel 92 %",
    false,
  ],
  [
    "running generator",
    "generator",
    { speed: 1_500, fuel: 80, ...three(231) },
    "runs · 231 V · fuel 80 %",
    true,
  ],
  ["PDU", "pdu", { power: 17_510, ...three(229.6) }, "17.5 kW · 230 V", true],
  ["PDU without a present value", "pdu", { power: OLD }, "no reading 3 min", null],
])("%s", (_, kind, values, words, energised) => {
  expect(powerState({ kind }, look(values))).toMatchObject({ words, energised });
});

const PANEL = { x: 0, y: 0, w: 1_240, h: 530 };
type Box = { x: number; y: number; w: number; h: number };
const meets = (a: Box, b: Box) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h;

test.each([
  ["one hall", fixtureSite("normal")],
  ["three rooms", largeSite([])],
])("%s: racks and cooling units stand inside the walls and clear of one another", (_, site) => {
  for (const room of layoutRooms(site.rooms, PANEL)) {
    const boxes = [...room.racks, ...room.cooling].map((each) => each.rect);
    for (const [i, box] of boxes.entries()) {
      const { walls } = room;
      expect(box.w).toBeGreaterThan(10);
      expect(box.x).toBeGreaterThanOrEqual(walls.x);
      expect(box.x + box.w).toBeLessThanOrEqual(walls.x + walls.w + 1);
      expect(box.y + box.h).toBeLessThanOrEqual(walls.y + walls.h + 1);
      for (const other of boxes.slice(i + 1)) expect(meets(box, other)).toBe(false);
    }
  }
});

test("racks keep the order and side they have on the floor", () => {
  const [hall] = layoutRooms(fixtureSite("normal").rooms, PANEL);
  const at = (id: string) => hall!.racks.find(({ rack }) => rack.id === id)!.rect;
  expect(at("a01").x).toBeLessThan(at("a02").x);
  expect(at("a01").y).toBeLessThan(at("b01").y);
  expect(at("a01").x).toBe(at("b01").x);
});

test("a power chain of any size stays inside its panel", () => {
  const { power } = fixtureSite("normal");
  const many = Array.from({ length: 40 }, (_, i) => ({
    ...power.find((unit) => unit.kind === "pdu")!,
    id: `pdu-x${i}`,
  }));
  for (const units of [power, [...power, ...many], power.slice(0, 1), []]) {
    const { boxes, feeds } = layoutOneLine(units, { w: 1_240, h: 178 });
    for (const { rect } of boxes) expect(rect.x + rect.w).toBeLessThanOrEqual(1_240);
    for (const feed of feeds) expect(feed.w).toBeGreaterThan(100);
    expect(boxes.flatMap((box) => box.units)).toHaveLength(units.length);
  }
});
