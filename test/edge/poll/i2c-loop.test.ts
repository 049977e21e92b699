import { describe, expect, test } from "vitest";
import { z } from "zod";
import { DeviceError, type I2cPort } from "../../../edge/bus/port.ts";
import type { AnyI2cDriver, I2cDriver } from "../../../edge/drivers/driver.ts";
import { sht31 } from "../../../edge/drivers/sht31.ts";
import { type I2cDeviceSpec, i2cLoop } from "../../../edge/poll/i2c-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "./collector.ts";

/** Reads one byte: its value is the temperature. */
const byteDriver: AnyI2cDriver = {
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

function rig(
  read: (address: number) => Promise<number>,
  devices: readonly I2cDeviceSpec[] = [device("a01", 0x44)],
) {
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

test("what fails late on a bus that was given up does not count against the new one", async () => {
  const clock = new FakeClock();
  const seen = collector(clock);
  let opened = 0;
  const open = async () => {
    opened += 1;
    const first = opened === 1;
    return fakePort(async (address) => {
      if (first && address === 0x44) await clock.sleep(3_000);
      // On the new bus only one read fails, in the same moment as the late one.
      if (first || (address === 0x45 && clock.monoMs() === 3_000))
        throw new DeviceError("bus", "SDA is low");
      return 21;
    });
  };
  const devices = [device("a01", 0x44, 60_000), device("a02", 0x45), device("a03", 0x46, 60_000)];
  const loop = i2cLoop({ bus: "i2c-11", open, devices, clock, sink: seen.sink, log: seen.log });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  await clock.advance(10_000);
  expect(opened).toBe(2);
  expect(seen.of("a02.inlet-top").slice(0, 5)).toEqual(["bus", 21, 21, "bus", 21]);
  stop.abort();
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

test("sixteen chips that convert for 16 ms each are read in the time of one", async () => {
  const devices = Array.from({ length: 16 }, (_, i) => ({
    ...device(`r${i}`, 0x10 + i),
    driver: sht31,
    points: { temperature: `r${i}.inlet-top` },
  }));
  const clock = new FakeClock();
  const seen = collector(clock);
  const frame = [0x64, 0x8b, 0xc7, 0xa1, 0x33, 0x1c];
  const port = { ...fakePort(async () => 0), read: async () => Uint8Array.from(frame) };
  const { sink, log } = seen;
  const loop = i2cLoop({ bus: "i2c-11", open: async () => port, devices, clock, sink, log });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  await clock.advance(500);
  expect(seen.taken.map(({ atMs }) => atMs)).toEqual(Array.from({ length: 16 }, () => 16));
  stop.abort();
  await done;
});

describe("a chip that must be set up", () => {
  /** Counts its starts; each read does the next thing of the script, and then the last for ever. */
  function scripted(script: (number | DeviceError)[], waitMs = 0) {
    const chip = { starts: 0, reads: 0 };
    const driver: AnyI2cDriver = {
      model: "scripted",
      channels: { temperature: "temperature" },
      addresses: [0x44],
      start: async () => {
        chip.starts += 1;
      },
      read: async (on) => {
        await on.pause(waitMs);
        const next = script[Math.min(chip.reads, script.length - 1)];
        chip.reads += 1;
        if (next instanceof DeviceError) throw next;
        return { temperature: next ?? -1 };
      },
    };
    return { chip, devices: [{ ...device("a01", 0x44), driver }] };
  }

  test.each([
    ["never again while it reads", [21], 1],
    ["again after it was reset", [21, new DeviceError("reset", "lost"), 21], 2],
    ["again when its values stopped", [21, new DeviceError("not-ready", "idle"), 21], 2],
    ["not again for a value out of range", [21, new DeviceError("range", "140 °C"), 21], 1],
    ["not again for a damaged answer", [21, new DeviceError("checksum", "CRC"), 21], 1],
  ])("is started %s", async (_, script, starts) => {
    const { chip, devices } = scripted(script);
    const { clock, start, stop } = rig(async () => 21, devices);
    const done = start();
    await clock.advance(4_500);
    expect(chip.starts).toBe(starts);
    stop();
    await done;
  });

  test("is started again after the bus was opened anew", async () => {
    const { chip, devices } = scripted([21]);
    let stuck = false;
    const read = async () => {
      if (stuck) throw new DeviceError("bus", "SDA is low");
      return 22;
    };
    const others = [device("a02", 0x45), device("a03", 0x46)];
    const { clock, opened, start, stop } = rig(read, [...devices, ...others]);
    const done = start();
    await clock.advance(500);
    stuck = true;
    await clock.advance(1_000);
    stuck = false;
    await clock.advance(3_000);
    expect([opened.length, chip.starts]).toEqual([2, 2]);
    stop();
    await done;
  });

  test("and waits six seconds for a value delays no other, and its missed slots are skipped", async () => {
    const { devices } = scripted([400], 6_000);
    const { clock, seen, start, stop } = rig(async () => 21, [...devices, device("a02", 0x45)]);
    const done = start();
    await clock.advance(12_500);
    expect(seen.times("a01.inlet-top")).toEqual([6_000, 12_000]);
    expect(seen.of("a02.inlet-top")).toHaveLength(13);
    stop();
    await done;
  });

  test("is left in the middle of its wait when the program ends, without a false word about it", async () => {
    const { devices } = scripted([400], 6_000);
    const { clock, seen, start, stop } = rig(async () => 21, devices);
    const done = start();
    await clock.advance(3_000);
    stop();
    await done;
    expect(seen.taken).toEqual([]);
  });
});

describe("options", () => {
  const wired: I2cDriver<"one" | "two", { volts: number }> = {
    model: "wired",
    channels: { one: "voltage", two: "voltage" },
    addresses: [0x44],
    optionsSchema: z.strictObject({ volts: z.number() }),
    read: async (_device, { volts }) => ({
      one: volts,
      two: new DeviceError("wire", "the loop is cut"),
    }),
  };
  const specs = (options: unknown) => [
    {
      ...{ id: "adc", driver: wired as AnyI2cDriver, address: 0x44, everyMs: 1_000, options },
      points: { one: "x.one", two: "x.two" },
    },
  ];

  test("reach the driver, and a fault of one channel is its own", async () => {
    const { clock, seen, loop, start, stop } = rig(async () => 21, specs({ volts: 3 }));
    const done = start();
    await clock.advance(500);
    expect([...seen.of("x.one"), ...seen.of("x.two")]).toEqual([3, "wire"]);
    expect(loop.health()).toMatchObject({ ok: 1, failed: 0 });
    stop();
    await done;
  });

  test("that the driver refuses are our mistake", () => {
    expect(() => rig(async () => 21, specs({ volts: "3" }))).toThrow(z.ZodError);
  });
});

test("an error of ours in one chip's driver ends the whole loop", async () => {
  const wrong = { ...byteDriver, read: () => Promise.reject(new TypeError("we are wrong")) };
  const devices = [{ ...device("a01", 0x44, 5_000), driver: wrong }, device("a02", 0x45)];
  const { clock, loop, seen, start } = rig(async () => 21, devices);
  const verdict = expect(start()).rejects.toThrow("we are wrong");
  await clock.advance(10);
  await verdict;
  await clock.advance(5_000);
  expect(seen.of("a02.inlet-top").length).toBeLessThanOrEqual(1);
  expect(loop.health().open).toBe(false);
});
