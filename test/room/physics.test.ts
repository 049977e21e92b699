import { describe, expect, test } from "vitest";
import { RACKS } from "./layout.ts";
import { World } from "./world.ts";

const HOUR_S = 3_600;

function quietHall(): World {
  const world = new World({ seed: 7, startSecond: 0 });
  world.step(HOUR_S);
  return world;
}
const at = (world: World, point: string) => world.truth.get(point)!();
const inlets = RACKS.flatMap(({ id }) => ["top", "mid", "bottom"].map((h) => `${id}.inlet-${h}`));

/** Least and greatest of many values: a check per value would take longer than the physics. */
class Extremes {
  readonly #ranges = new Map<string, [number, number]>();

  add(name: string, value: number): void {
    const [low, high] = this.#ranges.get(name) ?? [value, value];
    this.#ranges.set(name, [Math.min(low, value), Math.max(high, value)]);
  }
  range(name: string): [number, number] {
    return this.#ranges.get(name) ?? [Number.NaN, Number.NaN];
  }
}

describe("a day without events", () => {
  test("keeps every inlet between 20 and 25 °C and raises no flag, over 24 h and two seeds", () => {
    for (const seed of [1, 2]) {
      const world = new World({ seed, startSecond: 0 });
      const seen = new Extremes();
      for (let minute = 0; minute < 24 * 60; minute += 1) {
        world.step(60);
        for (const point of inlets) seen.add("inlet", at(world, point));
        for (const point of ["ups-a.on-battery", "ups-b.overload", "crah-1.status"])
          seen.add("flags", at(world, point));
        for (const point of ["utility-a.voltage-l1", "b04.humidity"])
          seen.add(point, at(world, point));
      }
      expect(seen.range("flags")).toEqual([0, 0]);
      for (const [name, low, high] of [
        ["inlet", 20, 25],
        ["utility-a.voltage-l1", 224, 236],
        ["b04.humidity", 30, 60],
      ] as const) {
        expect(seen.range(name)[0], name).toBeGreaterThan(low);
        expect(seen.range(name)[1], name).toBeLessThan(high);
      }
    }
  });

  test("has the top of each rack warmer than the middle, the middle than the bottom", () => {
    const world = quietHall();
    for (const { inletC, exhaustC } of world.thermal.racks) {
      expect(inletC.top).toBeGreaterThan(inletC.mid);
      expect(inletC.mid).toBeGreaterThan(inletC.bottom);
      expect(exhaustC - inletC.mid).toBeGreaterThan(9);
    }
  });

  test("is the same day again for the same seed, and another for another", () => {
    const [one, same] = [quietHall(), quietHall()];
    const other = new World({ seed: 8, startSecond: 0 });
    other.step(HOUR_S);
    expect(at(one, "a05.inlet-top")).toBe(at(same, "a05.inlet-top"));
    expect(at(one, "a05.inlet-top")).not.toBe(at(other, "a05.inlet-top"));
  });

  test("takes less than 2 % of a core at 5 steps a second", () => {
    const world = quietHall();
    const began = performance.now();
    for (let i = 0; i < 5_000; i += 1) world.step(0.2);
    expect((performance.now() - began) / 5_000).toBeLessThan((1_000 / 5) * 0.02);
  });
});

describe("cooling", () => {
  test("a tripped CRAH 1 drives its racks over 27 °C within 5 min, leaves the far end alone and makes the others ramp", () => {
    const world = quietHall();
    const fanBefore = at(world, "crah-2.fan");
    world.thermal.units[0]!.tripped = true;
    world.step(5 * 60);
    expect(at(world, "a01.inlet-top")).toBeGreaterThan(27);
    expect(at(world, "b08.inlet-top")).toBeLessThan(25);
    expect(at(world, "crah-1.running")).toBe(0);
    expect(at(world, "crah-1.cooling")).toBe(0);
    expect(at(world, "crah-2.fan")).toBeGreaterThan(fanBefore + 10);
  });

  test("a tripped unit moves its inlets by less than 1 K in 10 s: air has inertia", () => {
    const world = quietHall();
    const before = at(world, "a01.inlet-top");
    world.thermal.units[0]!.tripped = true;
    world.step(10);
    expect(Math.abs(at(world, "a01.inlet-top") - before)).toBeLessThan(1);
  });

  test("a restored unit brings everything back under 25 °C within 15 min", () => {
    const world = quietHall();
    world.thermal.units[0]!.tripped = true;
    world.step(30 * 60);
    world.thermal.units[0]!.tripped = false;
    world.step(15 * 60);
    for (const point of inlets) expect(at(world, point), point).toBeLessThan(25);
  });

  test("without any unit the whole hall is over 32 °C within 4 min and servers give up before 70 °C", () => {
    const world = quietHall();
    for (const unit of world.thermal.units) unit.tripped = true;
    world.step(4 * 60);
    for (const { inletC } of world.thermal.racks) expect(inletC.top).toBeGreaterThan(32);
    world.step(HOUR_S);
    for (const { inletC, powerW } of world.thermal.racks) {
      expect(inletC.top).toBeLessThan(70);
      expect(powerW).toBeLessThan(1_000);
    }
  });

  test("an open door warms the nearest rack by 1 to 4 K within 10 min, slowly, and makes it moister", () => {
    const world = quietHall();
    const before = at(world, "a08.inlet-mid");
    world.thermal.doorOpen.set("door-ups", true);
    world.step(10);
    expect(at(world, "a08.inlet-mid") - before).toBeLessThan(0.5);
    world.step(10 * 60);
    expect(at(world, "a08.inlet-mid") - before).toBeGreaterThan(1);
    expect(at(world, "a08.inlet-mid") - before).toBeLessThan(4);
    expect(at(world, "b01.inlet-mid")).toBeLessThan(23);
  });

  test("a hot spot of 12 °C is there to 99 % after 10 s and gone 10 s after its end", () => {
    const world = quietHall();
    const before = at(world, "a03.inlet-top");
    world.thermal.racks[2]!.hotTargetC = 12;
    world.step(10);
    expect(at(world, "a03.inlet-top") - before).toBeCloseTo(12, 0);
    world.thermal.racks[2]!.hotTargetC = 0;
    world.step(10);
    expect(at(world, "a03.inlet-top") - before).toBeLessThan(0.5);
  });

  test("does not depend on the step: 0.2 s and 1 s agree within 0.2 K after a trip", () => {
    const [fine, coarse] = [quietHall(), quietHall()];
    for (const world of [fine, coarse]) world.thermal.units[0]!.tripped = true;
    for (let i = 0; i < 1_500; i += 1) fine.step(0.2);
    coarse.step(300);
    expect(at(fine, "a01.inlet-top")).toBeCloseTo(at(coarse, "a01.inlet-top"), 0);
  });
});
