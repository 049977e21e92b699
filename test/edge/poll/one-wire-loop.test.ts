import { expect, test } from "vitest";
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
