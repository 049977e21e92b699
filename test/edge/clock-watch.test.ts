import { afterEach, beforeEach, expect, test } from "vitest";
import type { NodeEvent } from "../../contract/message.ts";
import { type ClockEvidence, ClockWatch, judgeClock } from "../../edge/clock-watch.ts";
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

async function watch(found: () => ClockEvidence["service"]) {
  const spool = temp.open();
  const clockWatch = new ClockWatch({
    clock: temp.clock,
    boot: { id: "boot-1", baseMs: 7_000 },
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
