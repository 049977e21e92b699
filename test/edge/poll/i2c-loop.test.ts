import { expect, test } from "vitest";
import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";
import type { I2cDriver } from "../../../edge/drivers/driver.ts";
import { i2cLoop } from "../../../edge/poll/i2c-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "./collector.ts";

/** Reads one byte: its value is the temperature. */
const byteDriver: I2cDriver = {
  model: "byte",
  channels: { temperature: "temperature" },
  addresses: [0x44],
  read: async (device) => ({ temperature: (await device.read(1))[0] ?? -1 }),
};

const device = (id: string, address: number, everyMs = 1_000) => ({
  id,
  driver: byteDriver,
  address,
  everyMs,
  points: { temperature: `${id}.inlet-top` },
});

function fakePort(read: (address: number) => Promise<number>): I2cPort {
  return {
    read: async (address) => Uint8Array.of(await read(address)),
    write: async () => undefined,
    writeRead: async () => Uint8Array.of(),
    close: async () => undefined,
  };
}

function rig(read: (address: number) => Promise<number>, devices = [device("a01", 0x44)]) {
  const clock = new FakeClock();
  const seen = collector(clock);
  const opened: number[] = [];
  let fails = 0;
  const open = async () => {
    opened.push(clock.monoMs());
    if (fails-- > 0) throw new DeviceError("bus", "no such bus");
    return fakePort(read);
  };
  const loop = i2cLoop({ bus: "i2c-11", open, devices, clock, sink: seen.sink, log: seen.log });
  const stop = new AbortController();
  const start = (failures = 0) => {
    fails = failures;
    return loop.run(stop.signal);
  };
  return { clock, loop, seen, opened, start, stop: () => stop.abort() };
}

test("reads at its rate and tells the bus's health", async () => {
  const { clock, loop, seen, start, stop } = rig(async () => 21);
  const done = start();
  await clock.advance(3_500);
  expect(seen.times("a01.inlet-top")).toEqual([0, 1_000, 2_000, 3_000]);
  expect(seen.of("a01.inlet-top")).toEqual([21, 21, 21, 21]);
  expect(loop.health()).toEqual({ ok: 4, failed: 0, lastError: null, lagMs: 0, open: true });
  stop();
  await done;
  expect(loop.health().open).toBe(false);
});

test("a chip that does not answer is bad in every period and logged once", async () => {
  const absent = new DeviceError("no-answer", "0x45 did not acknowledge");
  const devices = [device("a01", 0x44), device("a02", 0x45)];
  let back = false;
  const read = async (address: number) => {
    if (address === 0x45 && !back) throw absent;
    return 21;
  };
  const { clock, seen, start, stop } = rig(read, devices);
  const done = start();
  await clock.advance(2_500);
  expect(seen.of("a02.inlet-top")).toEqual(["no-answer", "no-answer", "no-answer"]);
  expect(seen.of("a01.inlet-top")).toEqual([21, 21, 21]);
  back = true;
  await clock.advance(1_000);
  expect(seen.of("a02.inlet-top").at(-1)).toBe(21);
  expect(seen.lines).toEqual(["device silent", "device back"]);
  stop();
  await done;
});

test("a single damaged answer is read again at once", async () => {
  let reads = 0;
  const { clock, seen, start, stop } = rig(async () => {
    reads += 1;
    if (reads === 1) throw new DeviceError("checksum", "CRC mismatch");
    return 21;
  });
  const done = start();
  await clock.advance(500);
  expect(seen.of("a01.inlet-top")).toEqual([21]);
  stop();
  await done;
});

test("a bus that cannot be opened is bad in every period and tried after 1, 2, 4 … 60 s", async () => {
  const { clock, loop, seen, opened, start, stop } = rig(async () => 21);
  const done = start(100);
  await clock.advance(200_000);
  expect(opened).toEqual([0, 1_000, 3_000, 7_000, 15_000, 31_000, 63_000, 123_000, 183_000]);
  expect(new Set(seen.of("a01.inlet-top"))).toEqual(new Set(["bus"]));
  expect(seen.of("a01.inlet-top").length).toBe(201);
  expect(loop.health()).toMatchObject({ open: false, lastError: "no such bus", failed: 201 });
  expect(seen.lines).toEqual(["bus silent"]);
  stop();
  await done;
});

test("a bus that fails under all its chips is closed, opened again and works", async () => {
  let stuck = true;
  const read = async () => {
    if (stuck) throw new DeviceError("bus", "SDA is low");
    return 21;
  };
  const devices = [device("a01", 0x44), device("a02", 0x45), device("a03", 0x46)];
  const { clock, seen, opened, start, stop } = rig(read, devices);
  const done = start();
  await clock.advance(500);
  stuck = false;
  await clock.advance(2_000);
  expect(opened).toEqual([0, 1_000]);
  expect(seen.of("a03.inlet-top")).toEqual(["bus", 21, 21]);
  expect(seen.lines.filter((line) => line.startsWith("bus"))).toEqual(["bus silent", "bus back"]);
  stop();
  await done;
});

test("a driver error that is ours is not swallowed", async () => {
  const { clock, start } = rig(async () => {
    throw new TypeError("we are wrong");
  });
  const verdict = expect(start()).rejects.toThrow("we are wrong");
  await clock.advance(10);
  await verdict;
});

test("a bus that hangs for ever does not delay another bus", async () => {
  const clock = new FakeClock();
  const seen = collector(clock);
  const hung = () => new Promise<number>(() => undefined);
  const loops = [
    { bus: "i2c-11", port: fakePort(hung), devices: [device("a01", 0x44)] },
    { bus: "i2c-12", port: fakePort(async () => 22), devices: [device("a03", 0x44)] },
  ].map(({ bus, port, devices }) =>
    i2cLoop({ bus, open: async () => port, devices, clock, sink: seen.sink, log: seen.log }),
  );
  const stop = new AbortController();
  for (const loop of loops) void loop.run(stop.signal);
  await clock.advance(10_000);
  expect(seen.of("a01.inlet-top")).toEqual([]);
  expect(seen.times("a03.inlet-top")).toEqual(Array.from({ length: 11 }, (_, i) => i * 1_000));
  stop.abort();
});
