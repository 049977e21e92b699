import { afterEach, beforeEach, expect, test } from "vitest";
import type { NodeEvent } from "../../contract/message.ts";
import { good } from "../../contract/reading.ts";
import type { ClockEvidence } from "../../edge/clock-evidence.ts";
import { ClockWatch, judgeClock } from "../../edge/clock-watch.ts";
import { createReadings } from "../../edge/readings.ts";
import { wireRows } from "../../edge/uplink/wire.ts";
import { silent, TempSpool } from "./spool/temp-spool.ts";

const NOW = Date.UTC(2026, 5, 1);
const OLD = Date.UTC(2021, 0, 1);
const evidence = (service: ClockEvidence["service"], hardwareClock = false) => ({
  service,
  hardwareClock,
});

test.each([
  ["a time service that has synchronized", evidence("synced"), NOW, 0, "synced"],
  ["one that has not, without a hardware clock", evidence("unsynced"), NOW, 0, "unsynced"],
  ["one that has not, with a hardware clock", evidence("unsynced", true), NOW, 0, "synced"],
  ["no service to ask, a plausible time", evidence("unknown"), NOW, 0, "synced"],
  ["no service to ask, a time before this program", evidence("unknown"), OLD, 0, "unsynced"],
  [
    "a time 2 min before the last one remembered",
    evidence("unknown"),
    NOW,
    NOW + 120_000,
    "unsynced",
  ],
  ["the same, but a service has synchronized", evidence("synced"), NOW, NOW + 120_000, "synced"],
])("judges %s", (_name, found, now, remembered, state) => {
  expect(judgeClock(found, now, remembered)).toBe(state);
});

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

async function watch(found: () => ClockEvidence["service"], baseMs = 7_000) {
  const spool = temp.open();
  const clockWatch = new ClockWatch({
    clock: temp.clock,
    boot: { id: "boot-1", baseMs },
    spool,
    evidence: async () => evidence(found()),
    log: silent,
  });
  await clockWatch.look();
  const steps: NodeEvent[] = [];
  const done = clockWatch.run(stop.signal, (event) => steps.push(event));
  return { clockWatch, spool, steps, done };
}

test("when the clock is set at last, the rows taken before can be put right to the millisecond", async () => {
  let service: ClockEvidence["service"] = "unsynced";
  const { clockWatch, spool, steps } = await watch(() => service);
  await temp.clock.advance(10_000);
  expect(clockWatch.state()).toBe("unsynced");
  const taken = { monoMs: temp.clock.monoMs() + 7_000, synced: false };
  spool.addReading({ point: "p.0", at: temp.clock.nowMs(), quality: "good", value: 1 }, taken);
  spool.commit();
  await temp.clock.advance(90_000);
  temp.clock.stepWall(170_000_000_000);
  service = "synced";
  await temp.clock.advance(5_000);
  expect(clockWatch.state()).toBe("synced");
  const row = spool.batch(0, 1)?.rows[0];
  if (!row || "skip" in row || row.offsetMs === null) throw new Error("no offset");
  expect(row.monoMs + row.offsetMs).toBe(temp.clock.nowMs() - 95_000);
  expect(steps).toEqual([]);
});

test("the published example: 10 s after boot in 2021, the clock set at 100 s, the reading is of 11:58:30", async () => {
  temp.clock.stepWall(Date.UTC(2021, 0, 1) - temp.clock.nowMs());
  let service: ClockEvidence["service"] = "unsynced";
  const { clockWatch, spool } = await watch(() => service, 0);
  const readings = createReadings({
    points: [{ id: "a01.inlet-top", quantity: "temperature", label: "A01", periodMs: 2_000 }],
    truth: new Map(),
    spool,
    clock: temp.clock,
    clockState: clockWatch.state,
    boot: { id: "boot-1", baseMs: 0 },
    log: silent,
    fatal: (error) => {
      throw error;
    },
  });
  const read = () => readings.sink([{ point: "a01.inlet-top", measurement: good(20) }]);
  const sent = () => {
    spool.commit();
    const batch = spool.batch(0, 100);
    return batch
      ? wireRows(batch).rows.map((row) => new Date(JSON.parse(row)[1]).toISOString())
      : [];
  };
  await temp.clock.advance(10_000);
  expect(new Date(temp.clock.nowMs()).toISOString()).toBe("2021-01-01T00:00:10.000Z");
  read();
  read();
  expect(sent()).toEqual([]);
  await temp.clock.advance(85_000);
  service = "synced";
  await temp.clock.advance(4_999);
  temp.clock.stepWall(Date.UTC(2026, 5, 1, 12) - temp.clock.nowMs() - 1);
  await temp.clock.advance(1);
  expect(new Date(temp.clock.nowMs()).toISOString()).toBe("2026-06-01T12:00:00.000Z");
  read();
  expect(sent()).toEqual([
    "2026-06-01T11:58:30.000Z",
    "2026-06-01T11:58:30.001Z",
    "2026-06-01T12:00:00.000Z",
  ]);
});

test("a step of a clock that was right is told, small corrections are not", async () => {
  const { steps } = await watch(() => "synced");
  temp.clock.stepWall(-500);
  await temp.clock.advance(5_000);
  temp.clock.stepWall(30_000);
  await temp.clock.advance(5_000);
  expect(steps).toEqual([]);
  temp.clock.stepWall(-5_000);
  await temp.clock.advance(5_000);
  temp.clock.stepWall(3_600_000);
  await temp.clock.advance(5_000);
  expect(steps.map(({ detail }) => detail)).toEqual([
    "clock stepped back by 5000 ms",
    "clock stepped forward by 3600000 ms",
  ]);
});

test.each([
  [-1_001, 1],
  [-999, 0],
  [59_999, 0],
  [60_001, 1],
])("a step by %d ms gives %d events", async (stepMs, count) => {
  const { steps } = await watch(() => "synced");
  temp.clock.stepWall(stepMs);
  await temp.clock.advance(5_000);
  expect(steps).toHaveLength(count);
});

test("a clock that drifts 20 s in an hour, a little at a time, has not stepped", async () => {
  const { steps } = await watch(() => "synced");
  for (let look = 0; look < 720; look += 1) {
    temp.clock.stepWall(-28);
    await temp.clock.advance(5_000);
  }
  expect(steps).toEqual([]);
});

test("a lost time server does not make a set clock wrong again", async () => {
  let service: ClockEvidence["service"] = "synced";
  const { clockWatch } = await watch(() => service);
  service = "unsynced";
  await temp.clock.advance(3_600_000);
  expect(clockWatch.state()).toBe("synced");
});

test("a time is remembered, so that a later start with an older clock is noticed", async () => {
  const first = await watch(() => "unknown");
  expect(first.clockWatch.state()).toBe("synced");
  stop.abort();
  await first.done;
  first.spool.close();
  temp.clock.stepWall(-86_400_000 * 0.5);
  stop = new AbortController();
  const second = await watch(() => "unknown");
  expect(second.clockWatch.state()).toBe("unsynced");
});
