import { afterEach, expect, test } from "vitest";
import { DeviceError } from "../../../edge/bus/port.ts";
import { type Memory, type PulseSpec, pulseLoop } from "../../../edge/doors/pulse-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "../poll/collector.ts";
import { TempSpool } from "../spool/temp-spool.ts";
import { FakeGpio } from "./fake-gpio.ts";

const METER: PulseSpec = {
  line: 6,
  point: "meter.energy",
  powerPoint: "meter.power",
  perKwh: 1_000,
  contact: "no",
  debounceMs: 12,
  startKwh: 100,
};

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

function notes(): Memory & { kept: Map<string, string>; writes: number } {
  const kept = new Map<string, string>();
  const memory = {
    kept,
    writes: 0,
    recall: (name: string) => kept.get(name),
    remember: (name: string, value: string) => {
      memory.writes += 1;
      kept.set(name, value);
    },
  };
  return memory;
}

function start(chips: (FakeGpio | undefined)[], memory: Memory = notes(), clock = new FakeClock()) {
  const seen = collector(clock);
  const open = async () => {
    const chip = chips.shift();
    if (!chip) throw new DeviceError("bus", "no chip");
    return chip;
  };
  const loop = pulseLoop({ bus: "gpio.pulses", open, meters: [METER], memory, clock, ...seen });
  const end = new AbortController();
  const running = loop.run(end.signal);
  const stop = async () => {
    end.abort();
    await running;
  };
  cleanups.push(stop);
  const now = (point: string) => seen.of(point).at(-1);
  return { ...seen, clock, loop, stop, now };
}

function idle(): FakeGpio {
  const chip = new FakeGpio();
  chip.set(6, 1);
  return chip;
}

/** So many pulses, one each `everyMs`. */
async function pulses(chip: FakeGpio, clock: FakeClock, count: number, everyMs = 1_000) {
  for (let pulse = 0; pulse < count; pulse += 1) {
    await clock.advance(everyMs - 40);
    chip.set(6, 0);
    await clock.advance(40);
    chip.set(6, 1);
  }
}

test("pulses become energy and power, and power ends three intervals after the last", async () => {
  const chip = idle();
  const { clock, now } = start([chip]);
  await pulses(chip, clock, 30);
  expect([now("meter.energy"), now("meter.power")]).toEqual([100.03, 3_600]);
  await clock.advance(10_000);
  expect([now("meter.energy"), now("meter.power")]).toEqual([100.03, 0]);
});

test("is published every 10 s, and not known before two pulses", async () => {
  const { clock, of } = start([idle()]);
  await clock.advance(30_000);
  expect(of("meter.energy")).toEqual([100, 100, 100]);
  expect(of("meter.power")).toEqual(["not-ready", "not-ready", "not-ready"]);
});

test("the count is written once a minute while it grows, and at the stop", async () => {
  const memory = notes();
  const chip = idle();
  const { clock, stop } = start([chip], memory);
  await pulses(chip, clock, 59);
  expect(memory.writes).toBe(0);
  await pulses(chip, clock, 2);
  expect(memory.kept.get("pulse.meter.energy")).toBe("60 1000 100");
  await clock.advance(600_000);
  expect(memory.writes).toBe(2);
  await pulses(chip, clock, 1);
  await stop();
  expect(memory.kept.get("pulse.meter.energy")).toBe("62 1000 100");
});

test("the energy goes on after a restart, from the spool on disk", async () => {
  const temp = new TempSpool();
  cleanups.push(() => temp.remove());
  let spool = temp.open();
  const chip = idle();
  const first = start([chip], spool, temp.clock);
  await pulses(chip, temp.clock, 25);
  await first.stop();
  spool.close();
  spool = temp.open();
  const second = start([idle()], spool, temp.clock);
  await temp.clock.advance(10_000);
  expect(second.now("meter.energy")).toBe(100.025);
  await second.stop();
  spool.close();
});

test("a lost chip is bad, not zero, and the count goes on when it is back", async () => {
  const chip = idle();
  const again = idle();
  const { clock, now, loop, lines } = start([chip, undefined, again]);
  await pulses(chip, clock, 15);
  chip.die();
  await clock.advance(500);
  expect(loop.health()).toMatchObject({ open: false, lastError: "the GPIO chip is gone" });
  chip.set(6, 0);
  again.set(6, 0);
  await clock.advance(4_500);
  again.set(6, 1);
  await pulses(again, clock, 10);
  expect([now("meter.energy"), now("meter.power")]).toEqual([100.025, 3_600]);
  expect(loop.health()).toMatchObject({ open: true, lastError: null });
  expect(lines).toEqual(["bus silent", "bus back"]);
});

test("while there is no chip every period says so", async () => {
  const { clock, of } = start([]);
  await clock.advance(30_000);
  expect(of("meter.energy")).toEqual(["bus", "bus", "bus"]);
  expect(of("meter.power")).toEqual(["bus", "bus", "bus"]);
});
