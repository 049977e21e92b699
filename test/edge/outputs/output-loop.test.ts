import { afterEach, expect, test } from "vitest";
import { DeviceError, type GpioPort } from "../../../edge/bus/port.ts";
import { type OutputSpec, outputLoop } from "../../../edge/outputs/output-loop.ts";
import { FakeClock } from "../../fake-clock.ts";
import { collector } from "../poll/collector.ts";

const SIREN: OutputSpec = {
  id: "siren",
  line: 5,
  active: "low",
  safe: "off",
  autoOffMs: 600_000,
};
const FAULT_RELAY: OutputSpec = { id: "fault", line: 6, active: "high", safe: "on" };

/** A chip that remembers what was written; lines in `stuck` do not follow, those in `taken` refuse. */
class RelayChip implements GpioPort {
  readonly levels = new Map<number, 0 | 1>();
  readonly writes: string[] = [];
  readonly stuck = new Set<number>();
  readonly taken = new Set<number>();
  hangs = false;
  #close = () => {};
  closed = new Promise<void>((resolve) => {
    this.#close = resolve;
  });

  watch = async (): Promise<void> => {};
  read = async (line: number): Promise<0 | 1> => this.levels.get(line) ?? 0;
  write = async (line: number, level: 0 | 1): Promise<void> => {
    if (this.hangs) await new Promise(() => undefined);
    if (this.taken.has(line)) throw new DeviceError("bus", `line ${line} is busy`);
    this.writes.push(`${line} ${level}`);
    if (!this.stuck.has(line)) this.levels.set(line, level);
  };
  close = async (): Promise<void> => this.#close();

  /** What was written since the last call. */
  takeWrites = (): string[] => this.writes.splice(0);
}

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

async function start(chips: (RelayChip | undefined)[], outputs = [SIREN, FAULT_RELAY]) {
  const clock = new FakeClock();
  const seen = collector(clock);
  const open = async () => {
    const chip = chips.shift();
    if (!chip) throw new DeviceError("bus", "no chip");
    return chip;
  };
  const loop = outputLoop({ bus: "gpio.outputs", open, outputs, clock, ...seen });
  const end = new AbortController();
  const running = loop.run(end.signal);
  const stop = async () => {
    end.abort();
    await clock.advance(3_000);
    await running;
  };
  cleanups.push(stop);
  await clock.advance(0);
  return { ...seen, loop, clock, stop, now: (point: string) => seen.of(point).at(-1) };
}

test("every output is in its safe state at the start and after the stop", async () => {
  const chip = new RelayChip();
  const { loop, clock, stop, now } = await start([chip]);
  expect(chip.takeWrites()).toEqual(["5 1", "6 1"]);
  expect([now("siren.on"), now("fault.on")]).toEqual([0, 1]);
  loop.govern();
  loop.demand("siren", "fire");
  await clock.advance(0);
  expect(chip.takeWrites()).toEqual(["5 0", "6 0"]);
  expect([now("siren.on"), now("fault.on")]).toEqual([1, 0]);
  await stop();
  expect(chip.takeWrites()).toEqual(["5 1", "6 1"]);
});

test("a siren goes off by itself after 10 min, to the millisecond", async () => {
  const chip = new RelayChip();
  const { loop, clock, now, lines } = await start([chip], [SIREN]);
  await clock.advance(3_333);
  loop.demand("siren", "leak");
  await clock.advance(599_999);
  expect(now("siren.on")).toBe(1);
  await clock.advance(1);
  expect(now("siren.on")).toBe(0);
  expect(lines).toEqual(["output switched", "output switched"]);
});

test("every 10 s each output is written again, so that a disturbed one is put right", async () => {
  const chip = new RelayChip();
  const { clock, times } = await start([chip], [SIREN]);
  chip.takeWrites();
  chip.levels.set(5, 0);
  await clock.advance(30_000);
  expect(chip.takeWrites()).toEqual(["5 1", "5 1", "5 1"]);
  expect(chip.levels.get(5)).toBe(1);
  expect(times("siren.on")).toEqual([0, 10_000, 20_000, 30_000]);
});

test("a line that does not follow is a fault and shows what it does, not what it should", async () => {
  const chip = new RelayChip();
  const { loop, clock, now, lines } = await start([chip], [SIREN]);
  chip.stuck.add(5);
  loop.demand("siren", "leak");
  await clock.advance(0);
  expect([now("siren.on"), now("siren.fault")]).toEqual([0, 1]);
  await clock.advance(20_000);
  chip.stuck.clear();
  await clock.advance(10_000);
  expect([now("siren.on"), now("siren.fault")]).toEqual([1, 0]);
  expect(lines).toEqual(["output switched", "output does not follow", "output follows again"]);
});

test("a line that somebody else holds does not keep the others from working", async () => {
  const chip = new RelayChip();
  chip.taken.add(5);
  const { clock, now, loop, lines } = await start([chip]);
  loop.govern();
  await clock.advance(60_000);
  expect([now("siren.on"), now("siren.fault"), now("fault.on")]).toEqual(["bus", "bus", 0]);
  expect(loop.health()).toMatchObject({ open: true });
  chip.taken.clear();
  await clock.advance(1_000);
  expect(now("siren.on")).toBe(0);
  expect(lines.filter((line) => line.includes("cannot"))).toEqual(["output cannot be written"]);
});

test("a command given while the chip is lost counts when it is back", async () => {
  const chip = new RelayChip();
  const { loop, clock, of } = await start([undefined, undefined, chip], [SIREN]);
  loop.demand("siren", "leak");
  await clock.advance(500);
  expect(of("siren.on")).toEqual(["bus"]);
  await clock.advance(3_500);
  expect(chip.takeWrites()).toEqual(["5 0"]);
  expect(of("siren.on")).toEqual(["bus", 1]);
});

test("a chip that hangs does not keep the program from stopping", async () => {
  const chip = new RelayChip();
  const { stop, lines } = await start([chip], [SIREN]);
  chip.hangs = true;
  await stop();
  expect(lines).toEqual(["not every output could be left in its safe state"]);
});

test("an unknown output is a mistake of ours", async () => {
  const { loop } = await start([new RelayChip()]);
  expect(() => loop.demand("horn", "leak")).toThrow("there is no output horn on bus gpio.outputs");
});
