import { expect, test } from "vitest";
import { DeviceError } from "../../../edge/bus/port.ts";
import { type BusDeps, busLoops, outputLoops, type Ports } from "../../../edge/buses.ts";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { checkEdge } from "../../../edge/config/check.ts";
import { type Judgement, judge } from "../../../edge/health/judge.ts";
import { meteredPoints } from "../../../edge/health/metered-points.ts";
import { ProgressMeter } from "../../../edge/health/progress-meter.ts";
import { FakeClock } from "../../fake-clock.ts";
import { silent } from "../spool/temp-spool.ts";

/** One of every kind of bus and of what may hang on it. */
const FILE = `node: pi-1
hub: { url: "mqtt://127.0.0.1" }
spool: { path: spool.db }
buses:
  - { id: i2c-1, type: i2c, device: /dev/i2c-1 }
  - { id: w1, type: one-wire }
  - { id: gpio, type: gpio, chip: auto }
  - { id: rs485-1, type: modbus-rtu, device: /dev/ttyUSB0, baud: 9600, parity: none }
  - { id: net, type: modbus-tcp, host: 10.0.0.5 }
  - { id: nut, type: nut, host: 10.0.0.6 }
  - { id: kernel, type: kernel }
devices:
  - { id: top, bus: i2c-1, driver: sht31, address: 0x44, every: 5s, points: { temperature: a01.inlet-top } }
  - { id: 28-000000000a01, bus: w1, driver: ds18b20, every: 10s, points: { temperature: a01.exhaust } }
  - { id: meter, bus: rs485-1, profile: eastron-sdm630, unit: 1 }
  - { id: ups-a, bus: net, profile: apc-smartups-990-9840, unit: 1 }
  - { id: ups-b, bus: nut, ups: b }
  - { id: cpu, bus: kernel, driver: hwmon, sensor: cpu_thermal, every: 10s, points: { temp1: pi-1.cpu } }
doors:
  - { id: door-1, bus: gpio, line: 17 }
pulses:
  - { point: meter-2.energy, bus: gpio, line: 22, perKwh: 1000 }
outputs:
  - { id: beacon, bus: gpio, line: 23 }
`;

function judged(ports: Ports) {
  const checked = checkEdge(FILE, "edge.yaml", ownCatalogue());
  if ("problems" in checked) throw new Error(JSON.stringify(checked.problems));
  const { config } = checked;
  const clock = new FakeClock();
  const meter = new ProgressMeter(meteredPoints(config), clock);
  const sink = meter.through(() => undefined);
  const deps: BusDeps = {
    config,
    catalogue: ownCatalogue(),
    ports,
    sink,
    urgentSink: sink,
    doors: { state: () => undefined, trouble: () => undefined },
    memory: { recall: () => undefined, remember: () => undefined },
    clock,
    log: silent,
  };
  const look = (): Judgement =>
    judge({
      nowMs: clock.monoMs(),
      lagMs: 0,
      loops: meter.loops(),
      spoolProgressMs: clock.monoMs(),
      commitEveryMs: 2_000,
    });
  return { clock, meter, look, loops: [...busLoops(deps), ...outputLoops(deps)] };
}

function portsThat(open: () => Promise<never>): Ports {
  return { i2c: open, oneWire: open, gpio: open, modbus: open, nut: open, kernel: open };
}

test("a node whose every bus is dead for 20 minutes is not restarted: its loops go on and say so", async () => {
  const dead = () => Promise.reject(new DeviceError("bus", "not there"));
  const { clock, meter, look, loops } = judged(portsThat(dead));
  expect(
    meter
      .loops()
      .map(({ bus }) => bus)
      .sort(),
  ).toEqual(loops.map(({ bus }) => bus).sort());
  const stop = new AbortController();
  const running = Promise.all(loops.map((loop) => loop.run(stop.signal)));
  for (let second = 0; second < 1_200; second += 10) {
    await clock.advance(10_000);
    expect(look(), `after ${second + 10} s`).toEqual({ alive: true });
  }
  stop.abort();
  await Promise.all([running, clock.advance(60_000)]);
}, 60_000);

test("loops that hang in opening their bus are found", async () => {
  const { clock, look, loops } = judged(portsThat(() => new Promise<never>(() => undefined)));
  const stop = new AbortController();
  // They hang for good, as a kernel call would; nothing waits for them.
  for (const loop of loops) loop.run(stop.signal).catch(() => undefined);
  await clock.advance(200_000);
  expect(look()).toMatchObject({ alive: false });
  stop.abort();
});
