import { afterEach, beforeEach, expect, test } from "vitest";
import type { PointInfo, SpoolEvent } from "../../../contract/message.ts";
import type { Reading } from "../../../contract/reading.ts";
import { DeviceError } from "../../../edge/bus/port.ts";
import { createDoorLog } from "../../../edge/doors/door-log.ts";
import { type Contact, gpioLoop } from "../../../edge/doors/gpio-loop.ts";
import { createReadings } from "../../../edge/readings.ts";
import { silent, TempSpool } from "../spool/temp-spool.ts";
import { FakeGpio } from "./fake-gpio.ts";

const DOOR: Contact = {
  line: 17,
  point: "door-a1.open",
  door: "door-a1",
  contact: "nc",
  debounceMs: 100,
};
const LEAK: Contact = { line: 24, point: "leak.rope", contact: "no", debounceMs: 2_000 };
const POINTS: PointInfo[] = [DOOR, LEAK].map(({ point: id }) => ({
  id,
  quantity: "flag",
  label: id,
  periodMs: 10_000,
}));

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

/** A running loop on chips that `chips` hands out in turn; `undefined` is a chip that cannot be opened. */
function start(chips: (FakeGpio | undefined)[], spool = temp.open(), contacts = [DOOR, LEAK]) {
  const { clock } = temp;
  const failures: unknown[] = [];
  const readings = createReadings({
    points: POINTS,
    truth: new Map(),
    spool,
    clock,
    clockState: () => "synced",
    boot: { id: "boot-1", baseMs: 0 },
    log: silent,
    fatal: (error) => failures.push(error),
  });
  const seen: Reading[] = [];
  readings.onReading((reading) => seen.push(reading));
  const loop = gpioLoop({
    bus: "gpio",
    open: async () => {
      const chip = chips.shift();
      if (!chip) throw new DeviceError("bus", "no chip");
      return chip;
    },
    contacts,
    sink: readings.urgent,
    doors: createDoorLog({ spool, readings }),
    clock,
    log: silent,
  });
  const done = loop.run(stop.signal);
  const events = (): SpoolEvent[] =>
    (spool.batch(0, 1_000)?.rows ?? []).flatMap((row) =>
      "skip" in row || row.kind === "reading" ? [] : [JSON.parse(row.payload).event],
    );
  const values = (point: string) =>
    seen
      .filter((reading) => reading.point === point)
      .map((reading) => ("value" in reading ? reading.value : reading.reason));
  return { loop, done, seen, events, values, clock, spool, failures };
}

function chip(levels: Record<number, 0 | 1> = {}): FakeGpio {
  const gpio = new FakeGpio();
  gpio.levels.set(17, levels[17] ?? 0);
  gpio.levels.set(24, levels[24] ?? 1);
  return gpio;
}

test("an opened door is an event at the time of its first edge, and a reading, 100 ms later", async () => {
  const gpio = chip();
  const { clock, events, values } = start([gpio]);
  await clock.advance(1_000);
  expect([values("door-a1.open"), events()]).toEqual([[0], []]);
  const edgeAt = clock.nowMs();
  gpio.set(17, 1);
  await clock.advance(99);
  expect(values("door-a1.open")).toEqual([0]);
  await clock.advance(1);
  expect(values("door-a1.open")).toEqual([0, 1]);
  expect(events()).toEqual([
    { type: "door", door: "door-a1", what: "opened", at: edgeAt, source: 1, clock: "synced" },
  ]);
  gpio.set(17, 0);
  await clock.advance(200);
  expect(events().map((event) => [event.what, "source" in event && event.source])).toEqual([
    ["opened", 1],
    ["closed", 2],
  ]);
});

test("a lost edge costs at most the 2 s until the level is read again", async () => {
  const gpio = chip();
  gpio.deaf.add(17);
  const { clock, events } = start([gpio]);
  await clock.advance(500);
  gpio.set(17, 1);
  await clock.advance(1_400);
  expect(events()).toEqual([]);
  await clock.advance(700);
  expect(events().map(({ what }) => what)).toEqual(["opened"]);
});

test("every contact is published every 10 s, a closed NO contact as 1", async () => {
  const gpio = chip({ 24: 0 });
  const { clock, values } = start([gpio]);
  await clock.advance(35_000);
  expect(values("door-a1.open")).toEqual([0, 0, 0, 0]);
  expect(values("leak.rope")).toEqual([1, 1, 1, 1]);
});

test("while the chip is lost its points are bad, its doors at fault once, and it is tried again", async () => {
  const gpio = chip();
  const second = chip({ 17: 1 });
  const { clock, events, values, loop } = start([gpio, undefined, undefined, second]);
  await clock.advance(1_000);
  gpio.die();
  await clock.advance(100);
  expect(values("door-a1.open")).toEqual([0, "bus"]);
  expect(loop.health()).toMatchObject({ open: false, failed: 1 });
  expect(events().map(({ what }) => what)).toEqual(["fault"]);
  await clock.advance(20_000);
  expect(loop.health()).toMatchObject({ open: true, lastError: null });
  expect(values("door-a1.open").at(-1)).toBe(1);
  expect(events().map(({ what }) => what)).toEqual(["fault", "opened"]);
});

test("a chip that is missing for long gives a bad reading every 10 s and is tried at most once a minute", async () => {
  const { clock, values, loop } = start([]);
  await clock.advance(601_000);
  const bad = values("leak.rope");
  expect(new Set(bad)).toEqual(new Set(["bus"]));
  expect(bad.length).toBeGreaterThanOrEqual(60);
  expect(bad.length).toBeLessThan(75);
  expect(loop.health().failed).toBeLessThan(17);
});

test("a door that moved while the node was off is recorded at the start, one that did not is not", async () => {
  const first = start([chip({ 17: 1 })]);
  await first.clock.advance(500);
  expect(first.events().map(({ what }) => what)).toEqual(["opened"]);
  stop.abort();
  await first.done;
  first.spool.close();

  stop = new AbortController();
  const second = start([chip({ 17: 1 })], temp.open());
  await second.clock.advance(500);
  expect(second.events()).toHaveLength(1);
  stop.abort();
  await second.done;
  second.spool.close();

  stop = new AbortController();
  const third = start([chip({ 17: 0 })], temp.open());
  await third.clock.advance(500);
  expect(third.events().map((event) => [event.what, "source" in event && event.source])).toEqual([
    ["opened", 1],
    ["closed", 2],
  ]);
});

test("a chattering contact is one event, and its value is in doubt until it is calm", async () => {
  const gpio = chip();
  const { clock, events, seen } = start([gpio]);
  await clock.advance(1_000);
  for (let i = 0; i < 40; i += 1) {
    gpio.set(17, i % 2 === 0 ? 1 : 0);
    await clock.advance(20);
  }
  expect(events().map(({ what }) => what)).toEqual(["chatter"]);
  const newest = () => seen.findLast(({ point }) => point === "door-a1.open");
  expect(newest()).toMatchObject({ quality: "uncertain", value: 0 });
  await clock.advance(15_000);
  expect(newest()).toMatchObject({ quality: "good", value: 0 });
});

test("a door's time is that of the kernel's stamp, not of when the program came to look 800 ms later", async () => {
  const gpio = chip();
  const { clock, events } = start([gpio]);
  await clock.advance(1_000);
  const now = clock.nowMs();
  gpio.set(17, 1, 800);
  await clock.advance(0);
  expect(events()).toMatchObject([{ door: "door-a1", what: "opened", at: now - 800 }]);
});

test("stamps that arrive out of order never make a door close before it opened", async () => {
  const gpio = chip();
  const { clock, events } = start([gpio]);
  await clock.advance(1_000);
  gpio.set(17, 1, 0);
  await clock.advance(500);
  gpio.set(17, 0, 700);
  await clock.advance(500);
  const [opened, closed] = events();
  expect([opened?.type === "door" && opened.what, closed?.type === "door" && closed.what]).toEqual([
    ...["opened", "closed"],
  ]);
  expect((closed?.at ?? 0) - (opened?.at ?? 0)).toBeGreaterThanOrEqual(0);
});
