/**
 * Hours on the virtual clock, a fault every ten minutes: nothing late or missing, flat memory.
 * PLENUM_PI_HOURS says how many.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { EdgeProgram } from "../edge-program.ts";
import { setLevel } from "../header.ts";
import { PlayedBus } from "../played-bus.ts";
import { plugIn, plugInTmp117, sensorConfig, TMP117_ADDRESS } from "../played-sensors.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { newestValue, noComplaints } from "../watching.ts";

const HOURS = Number(process.env.PLENUM_PI_HOURS);
const PERIOD_MS = 10_000;
const MINUTE_MS = 60_000;
const DOOR_LINE = 17;
/** What the program may hold more at the end than after its first hour, in MB. */
const GROWTH_MB = 8;

const around = { airC: 21.5, humidityRh: 40, plateC: 19.5, corrupt: false };
const bus = new PlayedBus(1);
plugIn(bus, around);
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [
    { id: "i2c-1", type: "i2c", device: "/dev/i2c-1" },
    { id: "gpio", type: "gpio", chip: "auto" },
  ],
  devices: sensorConfig("i2c-1", "r1", `${PERIOD_MS / 1_000}s`),
  doors: [{ id: "door-1", label: "Front", bus: "gpio", line: DOOR_LINE, debounce: "100ms" }],
});

/** One minute of trouble each, in turn; `end` undoes it. */
const FAULTS = [
  {
    begin: () => {
      around.corrupt = true;
    },
    end: () => {
      around.corrupt = false;
    },
  },
  {
    begin: () => {
      bus.chips.delete(TMP117_ADDRESS);
    },
    end: () => plugInTmp117(bus, around),
  },
  {
    begin: () => {
      bus.stuck = true;
    },
    end: () => {
      bus.stuck = false;
    },
  },
];

const memoryMb: number[] = [];
let doorChanges = 0;
edge.start();
await newestValue(recorder, "r1.inlet-top", 21.5);
await newestValue(recorder, "door-1.open", 0);
const beganAt = Date.now();
for (let minute = 0; minute < HOURS * 60; minute += 1) {
  const fault = FAULTS[Math.floor(minute / 10) % FAULTS.length];
  if (minute % 10 === 3) fault?.begin();
  if (minute % 10 === 4) fault?.end();
  if (minute % 5 === 0) setLevel(DOOR_LINE, doorChanges++ % 2 === 0 ? 1 : 0);
  around.airC = 21.5 + (minute % 60) / 20;
  await sleep(MINUTE_MS);
  memoryMb.push(edge.residentMb());
}
const endedAt = Date.now();

await prove(`${HOURS} h give a reading of every point each 10 s, none late or missing`, () => {
  const counts = ["inlet-top", "humidity", "inlet-mid"].map((sensor) => {
    const readings = recorder
      .of(`r1.${sensor}`)
      .filter(({ at }) => at >= beganAt && at < endedAt - PERIOD_MS);
    for (const [i, { at }] of readings.entries()) {
      const gapMs = at - (readings[i - 1]?.at ?? at - PERIOD_MS);
      if (gapMs <= 0 || gapMs > 1.5 * PERIOD_MS)
        throw new Error(`${sensor}: ${gapMs} ms between two readings at ${at}`);
    }
    if (readings.length < HOURS * 360 - 2)
      throw new Error(`${sensor}: ${readings.length} readings`);
    return readings.length;
  });
  return `${counts.join(", ")} readings`;
});

await prove("each fault is bad readings, and none outlives its fault by more than a minute", () => {
  const bad = recorder.readings.flatMap((reading) =>
    reading.quality === "bad" && reading.at >= beganAt ? [reading] : [],
  );
  const reasons = new Set(bad.map(({ reason }) => reason));
  const outside = bad.find(({ at }) => {
    const minute = ((at - beganAt) / MINUTE_MS) % 10;
    return minute < 3 || minute > 5.2;
  });
  if (outside) throw new Error(`bad without a fault: ${JSON.stringify(outside)}`);
  if (reasons.size !== FAULTS.length) throw new Error(`reasons ${[...reasons].join(", ")}`);
  return `${bad.length} bad readings: ${[...reasons].join(", ")}`;
});

await prove("each door movement is one event, numbered without a hole", () => {
  const events = recorder.events.flatMap((event) => (event.type === "door" ? [event] : []));
  const moved = events.slice(-doorChanges);
  const wrong = moved.find(
    ({ what, source }, i) =>
      what !== (i % 2 === 0 ? "opened" : "closed") || source !== (moved[0]?.source ?? 0) + i,
  );
  if (moved.length !== doorChanges || wrong)
    throw new Error(`${moved.length} of ${doorChanges}: ${JSON.stringify(wrong ?? events)}`);
  return `${doorChanges} movements`;
});

await prove(`memory is flat within ${GROWTH_MB} MB after the first hour`, () => {
  const [early, late] = [median(memoryMb.slice(30, 60)), median(memoryMb.slice(-30))];
  const most = Math.max(...memoryMb).toFixed(1);
  const text = `${early.toFixed(1)} MB then, ${late.toFixed(1)} MB at the end, most ${most} MB`;
  if (!(late - early < GROWTH_MB)) throw new Error(text);
  return text;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await bus.close();

function median(values: number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}
