import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SpoolEvent } from "../../contract/message.ts";
import type { Reading } from "../../contract/reading.ts";
import { DeviceError } from "../../edge/bus/port.ts";
import { type BusDeps, busLoops, outputLoops, type Ports, sharedBuses } from "../../edge/buses.ts";
import { ownCatalogue } from "../../edge/config/catalogue.ts";
import { checkEdge } from "../../edge/config/check.ts";
import { createDoorLog } from "../../edge/doors/door-log.ts";
import { createReadings } from "../../edge/readings.ts";
import {
  ChipBus,
  FakeAds1115,
  type FakeChip,
  FakeMcp23017,
  FakeMux,
  FakePcf8574,
} from "./bus/chip-bus.ts";
import { silent, TempSpool } from "./spool/temp-spool.ts";

let temp: TempSpool;
let stop: AbortController;
beforeEach(() => {
  temp = new TempSpool();
  stop = new AbortController();
});
afterEach(() => {
  stop.abort();
  temp.remove();
});

/** All loops of an edge.yaml whose I2C bus is simulated to the byte. */
async function start(chips: Record<number, FakeChip>, parts: string) {
  const { clock } = temp;
  const checked = checkEdge(
    `node: edge-1
hub: { url: "mqtt://127.0.0.1:1883" }
spool: { path: ./spool.db }
${parts}`,
    "edge.yaml",
    ownCatalogue(),
  );
  if (!("config" in checked)) throw new Error(JSON.stringify(checked.problems, undefined, 1));
  const { config } = checked;
  const bus = new ChipBus();
  for (const [address, chip] of Object.entries(chips)) bus.chips.set(Number(address), chip);
  const none = () => Promise.reject(new DeviceError("bus", "not there"));
  const ports: Ports = {
    i2c: async () => bus.port(),
    ...{ gpio: none, oneWire: none, modbus: none, nut: none, kernel: none },
  };
  const spool = temp.open();
  const readings = createReadings({
    ...{ points: config.points, truth: new Map(), spool, clock, log: silent },
    clockState: () => "synced",
    boot: { id: "boot-1", baseMs: 0 },
    fatal: (error) => {
      throw error;
    },
  });
  const seen: Reading[] = [];
  readings.onReading((reading) => seen.push(reading));
  const { sink, urgent: urgentSink } = readings;
  const doors = createDoorLog({ spool, readings });
  const deps: BusDeps = {
    ...{ config, catalogue: ownCatalogue(), ports, sink, urgentSink, doors },
    ...{ memory: spool, clock, log: silent },
  };
  const shared = sharedBuses(deps);
  const outputs = outputLoops(deps, shared);
  const loops = [...busLoops(deps, shared), ...outputs];
  const done = Promise.all(loops.map((loop) => loop.run(stop.signal)));
  await clock.advance(0);
  const events = (): SpoolEvent[] =>
    (spool.batch(0, 1_000)?.rows ?? []).flatMap((row) =>
      "skip" in row || row.kind === "reading" ? [] : [JSON.parse(row.payload).event],
    );
  const doorEvents = () =>
    events().flatMap((event) => (event.type === "door" ? [`${event.door} ${event.what}`] : []));
  const values = (point: string) =>
    seen
      .filter((reading) => reading.point === point)
      .map((reading) => ("value" in reading ? reading.value : reading.reason));
  const end = async () => {
    stop.abort();
    await Promise.all([done, clock.advance(10_000)]);
  };
  return { bus, clock, values, doorEvents, events, outputs, loops, end };
}

const EXPANDER = (chip: string) => `buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: box, type: i2c-gpio, bus: i2c-1, chip: ${chip}, address: 0x20 }
doors:
  - { id: door-1, bus: box, line: 3, contact: nc }
inputs:
  - { point: leak.spot, bus: box, line: 4, contact: no, debounce: 2s }
outputs:
  - { id: siren, bus: box, line: 7, active: low, safe: off }
  - { id: fan, bus: box, line: 6, active: high, safe: on }
alarms:
  - { id: open, local: true, points: ["door-1.open"], equals: 1, priority: 2 }
`;

describe.each([
  ["mcp23017", () => new FakeMcp23017()],
  ["pcf8574", () => new FakePcf8574()],
] as const)("doors and outputs on a %s", (name, make) => {
  test("a door that opens is an event at most one look of 100 ms and its debounce of 100 ms later", async () => {
    const chip = make();
    chip.closed.add(3);
    const { clock, doorEvents, values, events, end } = await start({ 32: chip }, EXPANDER(name));
    await clock.advance(1_000);
    expect(values("door-1.open").at(-1)).toBe(0);
    await clock.advance(30);
    const openedAt = clock.nowMs();
    chip.closed.delete(3);
    await clock.advance(210);
    expect(doorEvents()).toEqual(["door-1 opened"]);
    expect(values("door-1.open").at(-1)).toBe(1);
    const [event] = events();
    expect((event?.at ?? 0) - openedAt).toBeLessThanOrEqual(100);
    expect((event?.at ?? 0) - openedAt).toBeGreaterThan(0);
    await end();
  });

  test("a leak contact that is normally open counts after its 2 s, and a 1 s drip leaves no trace", async () => {
    const chip = make();
    chip.closed.add(3);
    const { clock, values, end } = await start({ 32: chip }, EXPANDER(name));
    await clock.advance(3_000);
    chip.closed.add(4);
    await clock.advance(1_000);
    chip.closed.delete(4);
    await clock.advance(3_000);
    expect(values("leak.spot")).not.toContain(1);
    chip.closed.add(4);
    await clock.advance(2_500);
    expect(values("leak.spot").at(-1)).toBe(1);
    await end();
  });

  test("outputs stand in their safe state from the first moment, follow commands and are left safe", async () => {
    const chip = make();
    chip.closed.add(3);
    const shown = new Set<string>();
    const write = chip.write.bind(chip);
    chip.write = (bytes) => {
      write(bytes);
      // Before it is set up, an MCP23017's pins are inputs and drive nothing.
      if (!(chip instanceof FakeMcp23017 && chip.registers[0] === 0xff))
        shown.add(`${chip.pin(7)} ${chip.pin(6)}`);
    };
    const { clock, outputs, values, end } = await start({ 32: chip }, EXPANDER(name));
    await clock.advance(100);
    // siren: active low and off; fan: active high and on.
    expect([...shown]).toEqual(["1 1"]);
    for (const output of outputs) output.govern();
    outputs[0]?.demand("siren", "a");
    await clock.advance(500);
    expect([chip.pin(7), chip.pin(6)]).toEqual([0, 0]);
    expect(values("siren.on").at(-1)).toBe(1);
    expect(values("siren.fault").at(-1)).toBe(0);
    await end();
    expect([chip.pin(7), chip.pin(6)]).toEqual([1, 1]);
  });

  test("a power failure of the chip makes its door unknown within 100 ms, and within 2 s all is as it should be", async () => {
    const chip = make();
    chip.closed.add(3);
    const { clock, outputs, values, doorEvents, end } = await start({ 32: chip }, EXPANDER(name));
    for (const output of outputs) output.govern();
    outputs[0]?.demand("siren", "a");
    await clock.advance(1_000);
    expect(chip.pin(7)).toBe(0);
    chip.powerCut();
    await clock.advance(100);
    expect(values("door-1.open").at(-1)).toBe("reset");
    expect(doorEvents()).toEqual(["door-1 fault"]);
    await clock.advance(2_000);
    expect(values("door-1.open").at(-1)).toBe(0);
    expect([chip.pin(7), chip.pin(6)]).toEqual([0, 0]);
    await end();
  });

  test("a chip that is unplugged is told within 300 ms, and its door settles anew when it is back", async () => {
    const chip = make();
    chip.closed.add(3);
    const { bus, clock, values, doorEvents, end } = await start({ 32: chip }, EXPANDER(name));
    await clock.advance(1_000);
    bus.absent.add(0x20);
    await clock.advance(400);
    expect(values("door-1.open").at(-1)).toBe("no-answer");
    expect(doorEvents()).toEqual(["door-1 fault"]);
    chip.closed.delete(3);
    bus.absent.clear();
    await clock.advance(5_000);
    expect(values("door-1.open").at(-1)).toBe(1);
    expect(doorEvents()).toEqual(["door-1 fault", "door-1 opened"]);
    await end();
  });
});

test("an output of an MCP23017 that something holds down is a fault of that output, not of the chip", async () => {
  const chip = new FakeMcp23017();
  chip.closed.add(3);
  const { clock, outputs, values, end } = await start({ 32: chip }, EXPANDER("mcp23017"));
  for (const output of outputs) output.govern();
  chip.held.set(6, 0);
  outputs[0]?.demand("fan", "a");
  await clock.advance(11_000);
  expect(values("fan.fault").at(-1)).toBe(1);
  expect(values("fan.on").at(-1)).toBe(0);
  expect(values("door-1.open").at(-1)).toBe(0);
  await end();
});

test("a door that chatters on an expander is uncertain and one event, as on a GPIO line", async () => {
  const chip = new FakeMcp23017();
  const { clock, doorEvents, end } = await start(
    { 32: chip },
    EXPANDER("mcp23017").replace("address: 0x20 }", "address: 0x20, every: 50ms }"),
  );
  await clock.advance(500);
  for (let i = 0; i < 24; i += 1) {
    if (i % 2 === 0) chip.closed.add(3);
    else chip.closed.delete(3);
    await clock.advance(50);
  }
  expect(doorEvents()).toEqual(["door-1 opened", "door-1 chatter"]);
  await end();
});

const LOOPS = `buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: loops, type: i2c-loops, bus: i2c-1, chip: ads1115, address: 0x48 }
doors:
  - { id: door-1, bus: loops, line: 0, debounce: 200ms }
  - { id: door-2, bus: loops, line: 2, debounce: 200ms }
`;

test.each([
  ["cut", Number.POSITIVE_INFINITY],
  ["short", 50],
  ["bad joint of 2.5 kΩ", 2_500],
])(
  "a supervised loop that is %s has no state and is a fault, and the other loop goes on",
  async (_, ohm) => {
    const chip = new FakeAds1115();
    const { clock, values, doorEvents, end } = await start({ 72: chip }, LOOPS);
    await clock.advance(1_000);
    expect(values("door-1.open").at(-1)).toBe(0);
    chip.ohms[0] = ohm;
    chip.ohms[2] = 4_300;
    await clock.advance(1_000);
    expect(values("door-1.open").at(-1)).toBe("wire");
    expect(values("door-2.open").at(-1)).toBe(1);
    expect(doorEvents().sort()).toEqual(["door-1 fault", "door-2 opened"]);
    chip.ohms[0] = 4_300;
    await clock.advance(1_000);
    expect(values("door-1.open").at(-1)).toBe(1);
    await end();
  },
);

test("a contact that moves in mid-conversion is no fault: only two looks in a row are", async () => {
  const chip = new FakeAds1115();
  const { clock, values, doorEvents, end } = await start({ 72: chip }, LOOPS);
  await clock.advance(1_050);
  chip.ohms[0] = 2_500;
  await clock.advance(100);
  chip.ohms[0] = 4_300;
  await clock.advance(1_000);
  expect(values("door-1.open")).not.toContain("wire");
  expect(doorEvents()).toEqual(["door-1 opened"]);
  await end();
});

/** TMP117 that says `celsius`. */
function thermometer(celsius: number): FakeChip {
  let pointer = 0;
  const raw = Math.round(celsius / 0.0078125);
  return {
    write: ([register = 0]) => {
      pointer = register;
    },
    read: () => {
      const value = pointer === 0x0f ? 0x0117 : raw;
      return Uint8Array.of(value >> 8, value & 0xff);
    },
  };
}

test("eight thermometers of one address behind a multiplexer, and an expander behind it too, are never mixed", async () => {
  const expander = new FakeMcp23017();
  expander.closed.add(0);
  const channels = Array.from(
    { length: 8 },
    (_, n) => new Map<number, FakeChip>([[0x48, thermometer(20 + n)]]),
  );
  channels[5]?.set(0x20, expander);
  const mux = new FakeMux(channels);
  const list = channels.map((_, n) => n);
  const { bus, clock, values, doorEvents, end } = await start(
    { 112: mux, 73: thermometer(50) },
    `buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
${list.map((n) => `  - { id: ch-${n}, type: i2c-mux, bus: i2c-1, address: 0x70, channel: ${n} }`).join("\n")}
  - { id: box, type: i2c-gpio, bus: ch-5, chip: mcp23017, address: 0x20 }
devices:
  - { id: direct, bus: i2c-1, driver: tmp117, address: 0x49, every: 1s, points: { temperature: direct.t } }
${list.map((n) => `  - { id: t${n}, bus: ch-${n}, driver: tmp117, address: 0x48, every: 1s, points: { temperature: t${n}.t } }`).join("\n")}
doors:
  - { id: door-1, bus: box, line: 0 }
`,
  );
  // In small steps, in which the transfers get their turns.
  for (let i = 0; i < 500; i += 1) await clock.advance(10);
  for (const n of list) expect(new Set(values(`t${n}.t`))).toEqual(new Set([20 + n]));
  expect(values("t0.t").length).toBeGreaterThanOrEqual(5);
  expect(new Set(values("direct.t"))).toEqual(new Set([50]));
  expander.closed.delete(0);
  for (let i = 0; i < 40; i += 1) await clock.advance(10);
  expect(doorEvents()).toEqual(["door-1 opened"]);
  expect(bus.opened).toBe(1);
  await end();
  expect(bus.closed).toBe(1);
  expect(mux.mask).toBe(0);
});
