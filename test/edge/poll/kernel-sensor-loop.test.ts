import { expect, test } from "vitest";
import type { KernelSensorPort } from "../../../edge/bus/kernel-sensors.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { hwmon } from "../../../edge/drivers/hwmon.ts";
import { type KernelSensorSpec, kernelSensorLoop } from "../../../edge/poll/kernel-sensor-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "./collector.ts";

test("a sensor gives the values it has; one that is silent gives none at all", async () => {
  const clock = new FakeClock();
  const seen = collector(clock);
  const held: Record<string, string> = { temp1_input: "21500\n", humidity1_input: "\n" };
  const port: KernelSensorPort = {
    read: async (_folder, sensor, attribute) => {
      if (sensor === "jc42") throw new DeviceError("no-answer", "gone");
      const text = held[attribute];
      if (text === undefined) throw new DeviceError("unsupported", attribute);
      return text;
    },
    close: async () => undefined,
  };
  const common = { driver: hwmon, everyMs: 5_000 };
  const devices: KernelSensorSpec[] = [
    {
      ...common,
      ...{ id: "top", sensor: "sht3x" },
      points: { temp1: "a01.inlet-top", humidity1: "a01.humidity" },
    },
    { ...common, id: "bottom", sensor: "jc42", points: { temp1: "a01.inlet-bottom" } },
  ];
  const { sink, log } = seen;
  const loop = kernelSensorLoop({
    bus: "kernel",
    open: async () => port,
    devices,
    clock,
    sink,
    log,
  });
  const stop = new AbortController();
  const done = loop.run(stop.signal);
  await clock.advance(9_000);
  expect(seen.of("a01.inlet-top")).toEqual([21.5, 21.5]);
  expect(seen.of("a01.humidity")).toEqual(["not-available", "not-available"]);
  expect(seen.of("a01.inlet-bottom")).toEqual(["no-answer", "no-answer"]);
  expect(loop.health()).toMatchObject({ ok: 2, failed: 2, open: true });
  stop.abort();
  await done;
});
