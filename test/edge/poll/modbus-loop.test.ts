import { expect, test } from "vitest";
import type { FieldValue } from "../../../edge/profiles/encode.ts";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { profileOf, rig } from "./modbus-rig.ts";

const METER = loadProfile("eastron-sdm630");

const meter = (id: string, unit: number) => ({
  id,
  unit,
  profile: METER,
  values: [
    ["voltage-l1", 230.2],
    ["power", 1_250.5],
    ["energy", 12_345.678],
  ] as [string, FieldValue][],
});

test("a meter publishes each point in its class's period", async () => {
  const { clock, seen, loop, finish } = rig([meter("pdu-a1", 11)]);
  await clock.advance(61_000);
  expect(seen.of("pdu-a1.voltage-l1")[0]).toBe(230.2);
  expect(seen.of("pdu-a1.power").length).toBe(13);
  expect(seen.of("pdu-a1.energy")).toEqual([12_345.678, 12_345.678]);
  expect(loop.health()).toMatchObject({ failed: 0, lastError: null, open: true });
  await finish();
});

test("neighbouring registers travel together: three requests for sixteen points", async () => {
  const { clock, seen, link, finish } = rig([meter("pdu-a1", 11)]);
  await clock.advance(1_000);
  expect(new Set(seen.taken.map(({ point }) => point)).size).toBe(16);
  expect(link.asked.map(({ address, count }) => [address, count])).toEqual([
    [0, 18],
    [52, 20],
    [72, 4],
  ]);
  await finish();
});

test("a dead unit uses at most a fifth of the line, and its neighbours miss nothing for long", async () => {
  const units = [meter("pdu-a1", 11), meter("pdu-a2", 12), meter("pdu-b1", 13)];
  const { clock, seen, link, finish } = rig(units);
  await clock.advance(30_000);
  link.dead.add(12);
  link.busyMs.clear();
  const from = clock.monoMs();
  await clock.advance(600_000);
  expect((link.busyMs.get(12) ?? 0) / 600_000).toBeLessThanOrEqual(0.2);
  const steps = seen.times("pdu-b1.power").filter((ms) => ms > from);
  const longest = Math.max(...steps.slice(1).map((ms, i) => ms - (steps[i] ?? 0)));
  expect(longest).toBeLessThanOrEqual(10_000);
  expect(steps.length).toBeGreaterThanOrEqual(115);
  await finish();
});

test("four dead units together use at most a fifth of the line; each period is bad", async () => {
  const units = [11, 12, 13, 14].map((unit) => meter(`pdu-${unit}`, unit));
  const { clock, seen, link, finish } = rig(units);
  for (const { unit } of units) link.dead.add(unit);
  await clock.advance(100_000);
  const busyMs = [...link.busyMs.values()].reduce((sum, ms) => sum + ms, 0);
  expect(busyMs / 100_000).toBeLessThanOrEqual(0.2);
  expect(busyMs / 100_000).toBeGreaterThan(0.1);
  expect(new Set(seen.of("pdu-13.power"))).toEqual(new Set(["no-answer"]));
  expect(seen.of("pdu-13.power").length).toBeGreaterThanOrEqual(18);
  await finish();
});

test("a unit that comes back is found, and both changes are logged once", async () => {
  const { clock, seen, link, finish } = rig([meter("pdu-a1", 11), meter("pdu-a2", 12)]);
  link.dead.add(12);
  await clock.advance(20_000);
  link.dead.delete(12);
  await clock.advance(60_000);
  expect(seen.of("pdu-a2.power").at(-1)).toBe(1_250.5);
  expect(seen.lines).toEqual(["device silent", "device back"]);
  await finish();
});

test("after a lost answer the line is drained before and after the retry", async () => {
  const { clock, link, seen, finish } = rig([meter("pdu-a1", 11)]);
  await clock.advance(4_000);
  const before = link.asked.length;
  link.dead.add(11);
  await clock.advance(1_600);
  link.dead.delete(11);
  await clock.advance(2_500);
  const [first, retry, next] = link.asked.slice(before);
  expect([retry?.address, retry?.count]).toEqual([first?.address, first?.count]);
  expect((retry?.atMs ?? 0) - (first?.atMs ?? 0)).toBeGreaterThanOrEqual(
    METER.limits.timeoutMs + METER.limits.maxResponseMs,
  );
  expect((next?.atMs ?? 0) - (retry?.atMs ?? 0)).toBeGreaterThanOrEqual(METER.limits.maxResponseMs);
  expect(seen.of("pdu-a1.power")).toEqual([1_250.5, 1_250.5]);
  await finish();
});

test("a block the device refuses is divided until only the missing register is unsupported", async () => {
  const { clock, seen, link, finish } = rig([meter("pdu-a1", 11)]);
  const hole = 62; // power factor
  link.refuse = ({ address, count }) => (address <= hole && hole < address + count ? 2 : undefined);
  await clock.advance(1_000);
  expect(seen.of("pdu-a1.power-factor")).toEqual(["unsupported"]);
  expect(seen.of("pdu-a1.power")).toEqual([1_250.5]);
  expect(seen.of("pdu-a1.frequency")).toEqual([0]);
  const first = link.asked.length;
  await clock.advance(5_000);
  // What was learnt stays: the refused block is not tried whole again.
  expect(link.asked.slice(first).some(({ address, count }) => address === 52 && count === 20)).toBe(
    false,
  );
  expect(seen.of("pdu-a1.power-factor")).toEqual(["unsupported", "unsupported"]);
  await finish();
});

test.each([
  [1, "refused", 1],
  [4, "refused", 2],
  [6, "refused", 4],
])("exception %i on every read is '%s' after %i tries", async (code, reason, tries) => {
  const one = profileOf(["id: power, address: 0, type: u16, quantity: power, label: Power"]);
  const { clock, seen, link, finish } = rig([{ id: "x", unit: 1, profile: one, values: [] }]);
  link.refuse = () => code;
  await clock.advance(5_000);
  expect(seen.of("x.power")).toEqual([reason]);
  expect(link.asked.length).toBe(tries);
  await finish();
});

test("a gateway that says its unit is silent is left alone like the unit", async () => {
  const { clock, seen, link, finish } = rig([meter("pdu-a1", 11), meter("pdu-a2", 12)]);
  link.refuse = ({ unit }) => (unit === 12 ? 11 : undefined);
  await clock.advance(30_000);
  expect(new Set(seen.of("pdu-a2.power"))).toEqual(new Set(["no-answer"]));
  expect(link.asked.filter(({ unit }) => unit === 12).length).toBeLessThanOrEqual(4);
  expect(new Set(seen.of("pdu-a1.power"))).toEqual(new Set([1_250.5]));
  await finish();
});

test("a lost connection is bad for all points, and opened anew", async () => {
  const { clock, seen, link, opened, loop, finish } = rig([meter("pdu-a1", 11)]);
  await clock.advance(6_000);
  link.gone = true;
  await clock.advance(5_000);
  expect(seen.of("pdu-a1.power").at(-1)).toBe("bus");
  expect(loop.health().lastError).toBe("connection lost");
  link.gone = false;
  await clock.advance(10_000);
  expect(opened.length).toBe(2);
  expect(seen.of("pdu-a1.power").at(-1)).toBe(1_250.5);
  await finish();
});

test("another model at the address is never decoded", async () => {
  const ups = loadProfile("apc-smartups-990-9840");
  const values: [string, FieldValue][] = [
    ["model", "Galaxy VS"],
    ["load", 40],
    ["online", 1],
  ];
  const { clock, seen, finish } = rig([{ id: "ups-a", unit: 1, profile: ups, values }]);
  await clock.advance(20_000);
  expect(new Set(seen.of("ups-a.load"))).toEqual(new Set(["identity"]));
  expect(new Set(seen.of("ups-a.online"))).toEqual(new Set(["identity"]));
  await finish();
});

test("a Smart-UPS gives its flags every 2 s and its measurements every 10 s", async () => {
  const ups = loadProfile("apc-smartups-990-9840");
  const values: [string, FieldValue][] = [
    ["model", "SMT3000RMI2U"],
    ["load", 40],
    ["online", 1],
    ["input-voltage", null],
    ["efficiency", null],
  ];
  const { clock, seen, finish } = rig([{ id: "ups-a", unit: 1, profile: ups, values }]);
  await clock.advance(9_900);
  expect(seen.of("ups-a.online")).toEqual([1, 1, 1, 1, 1]);
  expect(seen.of("ups-a.on-battery")).toEqual([0, 0, 0, 0, 0]);
  expect(seen.of("ups-a.load")).toEqual([40]);
  expect(seen.of("ups-a.input-voltage")).toEqual(["not-available"]);
  expect(seen.of("ups-a.efficiency")).toEqual(["not-available"]);
  await finish();
});

test("each unit's health tells how it answers, what it lacks and what it is", async () => {
  const ups = loadProfile("apc-smartups-990-9840");
  const values: [string, FieldValue][] = [
    ["model", "SMT3000RMI2U"],
    ["serial", "AS1234567890"],
    ["online", 1],
  ];
  const { clock, link, loop, finish } = rig([
    { id: "ups-a", unit: 1, profile: ups, values },
    { ...meter("pdu-a1", 11), profile: METER },
  ]);
  let damages = 0;
  link.lose = ({ unit, atMs }) => {
    if (unit !== 11 || atMs < 4_000 || damages > 0) return undefined;
    damages += 1;
    return "checksum";
  };
  link.refuse = ({ unit, address, count }) =>
    unit === 11 && address <= 62 && 62 < address + count ? 2 : undefined;
  await clock.advance(30_000);
  const [first, second] = loop.health().units ?? [];
  expect(first).toMatchObject({ device: "ups-a", unit: 1, up: true, timeouts: 0, meanMs: 20 });
  expect(first?.texts).toEqual({ model: "SMT3000RMI2U", serial: "AS1234567890" });
  expect(second).toMatchObject({ device: "pdu-a1", unit: 11, up: true, damaged: 1, p99Ms: 20 });
  expect(second?.exceptions["2"]).toBeGreaterThan(0);
  expect(second?.missing).toEqual(["power-factor"]);
  expect(second?.lastGoodAt).toBeGreaterThan(clock.nowMs() - 6_000);
  const ok = (first?.ok ?? 0) + (second?.ok ?? 0);
  expect(loop.health().ok).toBe(ok);
  await finish();
});
