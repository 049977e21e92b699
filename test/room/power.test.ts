import { describe, expect, test } from "vitest";
import { World } from "./world.ts";

function quietSite(): World {
  const world = new World({ seed: 7, startSecond: 0 });
  world.step(600);
  return world;
}
const at = (world: World, point: string) => world.truth.get(point)!();

describe("power chain", () => {
  test("both utilities carry the UPS, the charger and the cooling", () => {
    const world = quietSite();
    const racksW = world.thermal.rackPowerW;
    const pdusW = ["pdu-a1", "pdu-a2", "pdu-b1", "pdu-b2"].map((id) => at(world, `${id}.power`));
    expect(pdusW.reduce((sum, watts) => sum + watts, 0)).toBeCloseTo(racksW, 0);
    expect(at(world, "utility-a.power")).toBeGreaterThan(racksW / 2 / 0.95);
    expect(at(world, "utility-a.power-l1")).toBeCloseTo(
      at(world, "utility-a.voltage-l1") * at(world, "utility-a.current-l1") * 0.97,
      3,
    );
  });

  test("a lost utility puts its UPS on battery at once; the generator takes over 10 to 16 s later", () => {
    const world = quietSite();
    world.power.utility.a.present = false;
    world.step(1);
    expect(at(world, "utility-a.voltage-l1")).toBe(0);
    expect(at(world, "ups-a.on-battery")).toBe(1);
    expect(at(world, "ups-a.online")).toBe(0);
    expect(at(world, "ups-b.on-battery")).toBe(0);
    world.step(8);
    expect(at(world, "ups-a.on-battery")).toBe(1);
    world.step(7);
    expect(at(world, "ups-a.on-battery")).toBe(0);
    expect(at(world, "gen-1.speed")).toBeGreaterThan(1_450);
    expect(at(world, "gen-1.power")).toBeGreaterThan(20_000);
    expect(at(world, "utility-a.power")).toBe(0);
  });

  test("with the generator failed the battery drains: charge falls steadily, runtime by about 1 s each second", () => {
    const world = quietSite();
    world.power.generator.failed = true;
    world.power.utility.a.present = false;
    world.step(60);
    const [charge, runtime] = [at(world, "ups-a.charge"), at(world, "ups-a.runtime")];
    world.step(300);
    const fallen = charge - at(world, "ups-a.charge");
    expect(fallen).toBeGreaterThan(10);
    expect(runtime - at(world, "ups-a.runtime")).toBeGreaterThan(270);
    expect(runtime - at(world, "ups-a.runtime")).toBeLessThan(330);
    expect(at(world, "ups-a.battery-voltage")).toBeLessThan(52);
    expect(at(world, "ups-a.efficiency")).toBeNaN();
  });

  test("a flat battery switches its feed off; the other feed takes the whole load and the racks stay on", () => {
    const world = quietSite();
    world.power.generator.failed = true;
    world.power.utility.a.present = false;
    const before = at(world, "ups-b.load");
    world.step(at(world, "ups-a.runtime") * 1.2);
    expect(at(world, "ups-a.charge")).toBe(0);
    expect(at(world, "ups-a.output-off")).toBe(1);
    expect(at(world, "pdu-a1.power")).toBe(0);
    expect(at(world, "pdu-a1.voltage-l1")).toBe(0);
    expect(at(world, "ups-b.load")).toBeCloseTo(2 * before, -1);
    expect(at(world, "ups-b.overload")).toBe(0);
    expect(world.thermal.rackPowerW).toBeGreaterThan(50_000);
  });

  test("twice the load drains the battery in less than half the time", () => {
    const world = quietSite();
    const single = at(world, "ups-a.runtime");
    world.power.ups.b.chargeWh = 0;
    world.power.generator.failed = true;
    world.power.utility.b.present = false;
    world.step(10);
    expect(at(world, "ups-a.runtime")).toBeLessThan(0.48 * single);
  });

  test("without either utility and generator the cooling stops and the inlets climb", () => {
    const world = quietSite();
    world.power.generator.failed = true;
    world.power.utility.a.present = false;
    world.power.utility.b.present = false;
    world.step(240);
    expect(at(world, "crah-1.running")).toBe(0);
    expect(at(world, "crah-3.mode")).toBe(0);
    expect(at(world, "a05.inlet-top")).toBeGreaterThan(30);
  });

  test("when the utility comes back the load returns, the battery recharges and the generator stops", () => {
    const world = quietSite();
    world.power.utility.a.present = false;
    world.step(300);
    const charge = at(world, "ups-a.charge");
    world.power.utility.a.present = true;
    world.step(15);
    expect(at(world, "gen-1.power")).toBe(0);
    expect(at(world, "ups-a.on-battery")).toBe(0);
    world.step(600);
    expect(at(world, "gen-1.running")).toBe(0);
    expect(at(world, "ups-a.charge")).toBeGreaterThan(charge);
  });

  test("a generator that fails while it carries the load drops it on the battery", () => {
    const world = quietSite();
    world.power.utility.b.present = false;
    world.step(60);
    world.power.generator.failed = true;
    world.step(1);
    expect(at(world, "ups-b.on-battery")).toBe(1);
    expect(at(world, "gen-1.voltage-l1")).toBe(0);
  });

  test("the generator burns 5 to 30 litres an hour of its 600 and energy meters only count up", () => {
    const world = quietSite();
    world.power.utility.a.present = false;
    world.step(60);
    const [fuel, kwh] = [at(world, "gen-1.fuel"), at(world, "utility-b.energy")];
    world.step(3_600);
    const burntL = ((fuel - at(world, "gen-1.fuel")) / 100) * 600;
    expect(burntL).toBeGreaterThan(5);
    expect(burntL).toBeLessThan(30);
    expect(at(world, "utility-b.energy") - kwh).toBeGreaterThan(30);
  });
});
