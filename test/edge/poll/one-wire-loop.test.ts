import { describe, expect, test } from "vitest";
import { DeviceError, type OneWirePort } from "../../../edge/bus/port.ts";
import { oneWireLoop } from "../../../edge/poll/one-wire-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "./collector.ts";

const WARM = "91 01 4b 46 7f ff 0c 10 70 : crc=70 YES\n91 01 4b 46 7f ff 0c 10 70 t=25062\n";

test("thermometers give °C or a reason, each in its own period", async () => {
  const clock = new FakeClock();
  const seen = collector(clock);
  const texts: Record<string, string> = { "28-000000000a01": WARM, "28-000000000a02": "" };
  const port: OneWirePort = {
    list: async () => Object.keys(texts),
    read: async (id) => {
      const text = texts[id];
      if (text === undefined) throw new DeviceError("no-answer", "gone");
      return text;
    },
    close: async () => undefined,
  };
  const loop = oneWireLoop({
    bus: "w1",
    open: async () => port,
    devices: [
      { id: "28-000000000a01", everyMs: 10_000, point: "a01.exhaust" },
      { id: "28-000000000a02", everyMs: 10_000, point: "a02.exhaust" },
      { id: "28-000000000a03", everyMs: 20_000, point: "a03.exhaust" },
      { id: "3a-000000000a04", everyMs: 20_000, point: "a04.exhaust" },
    ],
    clock,
    sink: seen.sink,
    log: seen.log,
  });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  await clock.advance(19_000);
  expect(seen.of("a01.exhaust")).toEqual([25.0625, 25.0625]);
  expect(seen.of("a02.exhaust")).toEqual(["no-answer", "no-answer"]);
  expect(seen.of("a03.exhaust")).toEqual(["no-answer"]);
  expect(seen.of("a04.exhaust")).toEqual(["unsupported"]);
  stop.abort();
  await done;
});

describe("thermometers that can convert together", () => {
  function rig(devices: { id: string; everyMs: number }[], convertMs = 750) {
    const clock = new FakeClock();
    const seen = collector(clock);
    const said: string[] = [];
    const wire = { works: true };
    const port: OneWirePort = {
      list: async () => [],
      read: async (id) => {
        said.push(`read ${id.slice(-2)}`);
        return WARM;
      },
      convertWith: async (id) => {
        said.push(`convert ${id.slice(-2)}`);
        await clock.sleep(convertMs);
        if (!wire.works) throw new DeviceError("not-ready", "did not convert");
        return devices.map((device) => device.id);
      },
      close: async () => undefined,
    };
    const specs = devices.map((device) => ({ ...device, point: `${device.id.slice(-2)}.exhaust` }));
    const { sink, log } = seen;
    const loop = oneWireLoop({
      bus: "w1",
      open: async () => port,
      devices: specs,
      clock,
      sink,
      log,
    });
    const stop = new AbortController();
    const done = loop.run(stop.signal);
    const end = async () => {
      stop.abort();
      await done;
    };
    return { clock, seen, said, wire, end };
  }
  const three = ["28-000000000a01", "28-000000000a02", "28-000000000a03"];

  test("convert once for all that are due", async () => {
    const { clock, said, seen, end } = rig(three.map((id) => ({ id, everyMs: 10_000 })));
    await clock.advance(15_000);
    expect(said.slice(0, 4)).toEqual(["convert 01", "read 01", "read 02", "read 03"]);
    expect(said).toHaveLength(8);
    expect(seen.times("03.exhaust")).toEqual([750, 10_750]);
    await end();
  });

  test("convert again rather than give one of them an old result", async () => {
    const [first = "", second = ""] = three;
    const { clock, said, end } = rig([
      { id: first, everyMs: 10_000 },
      { id: second, everyMs: 25_000 },
    ]);
    await clock.advance(28_000);
    // What the second holds since the first was read at 20 s is five seconds old.
    expect(said.slice(-4)).toEqual(["convert 01", "read 01", "convert 02", "read 02"]);
    await end();
  });

  test("give no value when they did not convert, though the kernel would give the old one", async () => {
    const { clock, said, seen, wire, end } = rig(three.map((id) => ({ id, everyMs: 10_000 })));
    wire.works = false;
    await clock.advance(5_000);
    expect(said.filter((line) => line.startsWith("read"))).toEqual([]);
    expect(seen.of("02.exhaust")).toEqual(["not-ready"]);
    await end();
  });

  test("are read singly when there is only one", async () => {
    const { clock, said, end } = rig([{ id: "28-000000000a01", everyMs: 10_000 }]);
    await clock.advance(5_000);
    expect(said).toEqual(["read 01"]);
    await end();
  });
});
