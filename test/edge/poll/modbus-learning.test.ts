import { describe, expect, test } from "vitest";
import { loadProfile } from "../../../edge/profiles/load.ts";
import { type Ask, profileOf, registersFrom, rig } from "./modbus-rig.ts";

const covers = (hole: number) => (ask: Ask) =>
  ask.address <= hole && hole < ask.address + ask.count ? ("no-answer" as const) : undefined;
const values: [string, number][] = Array.from({ length: 12 }, (_, i) => [`p${i}`, 100 + i]);
const device = (points = registersFrom(0, 12)) => ({
  id: "x",
  unit: 1,
  profile: profileOf(points, { limits: "maxGap: 0, timeoutMs: 200, maxResponseMs: 300" }),
  values,
});

describe("a unit that meets one register with silence", () => {
  test("gives all its other values, and that one is unsupported", async () => {
    const { clock, seen, link, loop, finish } = rig([device()]);
    link.lose = covers(7);
    await clock.advance(400_000);
    expect(seen.of("x.p7").at(-1)).toBe("unsupported");
    for (const [id, value] of values)
      if (id !== "p7") expect(seen.of(`x.${id}`).at(-1), id).toBe(value);
    expect(loop.health().units?.[0]).toMatchObject({ up: true, missing: ["p7"] });
    await finish();
  });

  test("costs at most a fifth of the line while it is found, and nothing afterwards", async () => {
    const { clock, link, finish } = rig([device()]);
    link.lose = covers(7);
    const lostMs = async (ms: number) => {
      const before = link.drained.length;
      await clock.advance(ms);
      return (link.drained.length - before) * 500;
    };
    expect((await lostMs(400_000)) / 400_000).toBeLessThanOrEqual(0.2);
    expect(await lostMs(600_000)).toBe(0);
    await finish();
  });

  test("is asked for it once an hour, and gives it as soon as it has it", async () => {
    const { clock, seen, link, finish } = rig([device()]);
    link.lose = covers(7);
    await clock.advance(600_000);
    link.lose = () => undefined;
    await clock.advance(600_000);
    expect(seen.of("x.p7").at(-1)).toBe("unsupported");
    await clock.advance(3_600_000);
    expect(seen.of("x.p7").at(-1)).toBe(107);
    await finish();
  });

  test("is found even when the very first field of a profile is the missing one", async () => {
    const { clock, seen, link, finish } = rig([device()]);
    link.lose = covers(0);
    await clock.advance(600_000);
    expect(seen.of("x.p0").at(-1)).toBe("unsupported");
    expect(seen.of("x.p11").at(-1)).toBe(111);
    await finish();
  });
});

test("a value that once was there is never called unsupported, however long it is silent", async () => {
  const { clock, seen, link, finish } = rig([device()]);
  await clock.advance(30_000);
  link.lose = covers(7);
  await clock.advance(600_000);
  const later = seen.of("x.p7").slice(4);
  expect(new Set(later)).toEqual(new Set(["no-answer"]));
  link.lose = () => undefined;
  await clock.advance(60_000);
  expect(seen.of("x.p7").at(-1)).toBe(107);
  await finish();
});

test("damaged answers are no hole", async () => {
  const { clock, seen, link, loop, finish } = rig([device()]);
  link.lose = (ask) => (ask.count > 1 ? "checksum" : undefined);
  await clock.advance(900_000);
  expect(loop.health().units?.[0]?.missing).toEqual([]);
  // Short frames come through, so the blocks were divided until they do.
  for (const [id, value] of values) expect(seen.of(`x.${id}`).at(-1), id).toBe(value);
  await finish();
});

test("a value that always comes damaged stays damaged, and is not called unsupported", async () => {
  const { clock, seen, link, finish } = rig([device()]);
  link.lose = (ask) => (covers(7)(ask) ? "checksum" : undefined);
  await clock.advance(900_000);
  expect(new Set(seen.of("x.p7"))).toEqual(new Set(["checksum"]));
  expect(seen.of("x.p8").at(-1)).toBe(108);
  await finish();
});

test("a block that fell silent for good takes at most a fifth of the line", async () => {
  const limits = "maxGap: 0, timeoutMs: 2000, maxResponseMs: 2000, retries: 0";
  const alarms = registersFrom(0, 3, ", class: fast");
  const other = "id: other, address: 50, type: u16, quantity: count, label: O";
  const profile = profileOf([...alarms, other], { limits });
  const { clock, seen, link, finish } = rig([{ id: "x", unit: 1, profile, values }]);
  await clock.advance(11_000);
  link.lose = covers(1);
  const lost = link.drained.length;
  await clock.advance(1_000_000);
  expect(((link.drained.length - lost) * 4_000) / 1_000_000).toBeLessThanOrEqual(0.21);
  expect(new Set(seen.of("x.p1").slice(6))).toEqual(new Set(["no-answer"]));
  expect(seen.of("x.other").length).toBeGreaterThan(90);
  await finish();
});

test("a register that is refused is asked for again every minute, in case it is only late", async () => {
  const { clock, seen, link, finish } = rig([device()]);
  link.refuse = ({ address, count }) => (address <= 3 && 3 < address + count ? 2 : undefined);
  await clock.advance(25_000);
  expect(seen.of("x.p3")).toEqual(["unsupported", "unsupported", "unsupported"]);
  const asks = link.asked.filter(({ address, count }) => address === 3 && count === 1).length;
  expect(asks).toBe(1);
  link.refuse = () => undefined;
  await clock.advance(65_000);
  expect(seen.of("x.p3").at(-1)).toBe(103);
  await finish();
});

test("a device that refused blocks while it started is asked for whole blocks again after an hour", async () => {
  const { clock, link, finish } = rig([device()]);
  link.refuse = ({ count }) => (count > 3 ? 2 : undefined);
  await clock.advance(30_000);
  link.refuse = () => undefined;
  await clock.advance(3_600_000);
  const from = link.asked.length;
  await clock.advance(10_000);
  expect(link.asked.slice(from).map(({ address, count }) => [address, count])).toEqual([[0, 12]]);
  await finish();
});

describe("a device whose missing registers read as zero inside a block", () => {
  const ups = loadProfile("apc-smartups-990-9840");
  const single = (id: string) => ups.fields.find((field) => field.id === id)?.address;
  const smt = {
    id: "ups-a",
    unit: 1,
    profile: ups,
    values: [
      ["model", "SMT1500"],
      ["online", 1],
      ["load", 40],
      ["battery-temperature", 0],
      ["output-current", 0],
    ] as [string, string | number][],
  };

  test("never shows 0 °C for a sensor it does not have, but 0 A that it measures", async () => {
    const { clock, seen, link, loop, finish } = rig([smt]);
    const missing = single("battery-temperature");
    link.refuse = ({ address, count }) => (address === missing && count === 1 ? 2 : undefined);
    await clock.advance(60_000);
    expect(new Set(seen.of("ups-a.battery-temperature"))).toEqual(new Set(["unsupported"]));
    expect(new Set(seen.of("ups-a.output-current"))).toEqual(new Set([0]));
    expect(new Set(seen.of("ups-a.load"))).toEqual(new Set([40]));
    expect(loop.health().units?.[0]?.missing).toEqual(["battery-temperature"]);
    await finish();
  });

  test("is asked once for each zero, not at every poll", async () => {
    const { clock, link, finish } = rig([smt]);
    await clock.advance(60_000);
    const at = single("output-current");
    const asks = link.asked.filter(({ address, count }) => address === at && count === 1);
    expect(asks).toHaveLength(1);
    await finish();
  });
});

test("a device that spreads over two unit numbers is read at both, and one may be missing", async () => {
  const values: [string, number][] = [
    ["battery-voltage", 436.5],
    ["probe-temperature", 23.5],
  ];
  const { clock, seen, link, loop, finish } = rig([
    { id: "ups", unit: 1, profile: loadProfile("eaton-pxgx"), values },
  ]);
  await clock.advance(15_000);
  expect(seen.of("ups.battery-voltage").at(-1)).toBe(436.5);
  expect(seen.of("ups.probe-temperature").at(-1)).toBe(23.5);
  link.dead.add(254);
  await clock.advance(60_000);
  expect(seen.of("ups.battery-voltage").at(-1)).toBe(436.5);
  expect(seen.of("ups.probe-temperature").at(-1)).toBe("no-answer");
  expect(loop.health().units?.map(({ unit, up }) => [unit, up])).toEqual([
    [1, true],
    [254, false],
  ]);
  await finish();
});

test("values wait for the unit they are measured in, and follow it", async () => {
  const points = [
    "id: unit, address: 50, type: u16, class: once",
    "id: length, address: 0, type: u16, quantity: distance, label: Length, variants: [{ when: { of: unit, any: [0] }, scale: 0.1 }, { when: { of: unit, any: [1] }, scale: 0.3048 }]",
  ];
  for (const [code, shown] of [
    [0, 10],
    [1, 30.48],
    [7, "unsupported"],
  ] as const) {
    const profile = profileOf(points);
    const { clock, seen, link, finish } = rig([
      { id: "rope", unit: 1, profile, values: [["unit", code]] },
    ]);
    // The length itself is set raw, as its meaning is what is being tested.
    link.set(1, 3, 0, 100);
    await clock.advance(1_000);
    expect(seen.of("rope.length")).toEqual([shown]);
    await finish();
  }
});

test("SunSpec's powers of ten are read with the values they belong to", async () => {
  const { clock, seen, finish } = rig([
    {
      id: "m",
      unit: 1,
      profile: loadProfile("sunspec-meter"),
      values: [
        ["mark", "SunS"],
        ["meter-model", 203],
        ["voltage-scale", -1],
        ["voltage-l1", 230.2],
        ["power-scale", 1],
        ["power", -12_340],
        ["current-scale", null],
      ],
    },
  ]);
  await clock.advance(6_000);
  expect(seen.of("m.voltage-l1").at(-1)).toBe(230.2);
  expect(seen.of("m.power").at(-1)).toBe(-12_340);
  expect(seen.of("m.current-l1").at(-1)).toBe("not-available");
  await finish();
});
