/**
 * A whole node over days of simulated time, with a fault every ten minutes: its real code, SQLite file,
 * MQTT client and Modbus package in one process, on a clock that leaps from one moment of work to the
 * next. PLENUM_SOAK_HOURS says how long; 72 by default. Memory must not grow.
 */
import { prove } from "../proof.ts";
import { startFarSide } from "./far-side.ts";
import { growthMbPerDay, type Held, measure } from "./memory.ts";
import { startNode } from "./node.ts";
import {
  DOOR_LINE,
  FAULTS,
  type Fault,
  type Hands,
  METERS,
  PERIOD_MS,
  SENSOR_POINTS,
  SLOW_FAULT,
} from "./plan.ts";
import { VirtualClock } from "./virtual-clock.ts";
import { NodeWorld } from "./world.ts";

const HOURS = Number(process.env.PLENUM_SOAK_HOURS ?? 72);
const MINUTE_MS = 60_000;
const MEASURE_MINUTES = 30;
const FAULT_MINUTES = 10;
const DOOR_MINUTES = 5;
/** Twelve hours of faults. */
const SLOW_EVERY = 72;
/** What memory may grow in a day. A node is meant to run for years on 1 GB. */
const HEAP_MB_PER_DAY = 0.75;
const RESIDENT_MB_PER_DAY = 5;
const RESIDENT_MOST_MB = 160;
/** Of the readings that the period promises; the rest is lost to clocks that jump. */
const LEAST_SHARE = 0.995;

const far = await startFarSide();
const clock = new VirtualClock(Date.UTC(2026, 5, 1));
const world = new NodeWorld(clock);
const node = await startNode({ clock, world, ports: far.ports });
node.done.catch((error: unknown) => {
  console.log(`FAIL the node ended by itself: ${String(error)}`);
  process.exit(1);
});
const hands: Hands = { ...far, world, stepWall: (ms) => clock.stepWall(ms) };

const startedAt = performance.now();
const memory: Held[] = [];
const began = new Map<string, number>();
let doorMoves = 0;
for (let minute = 0; minute < HOURS * 60; minute += 1) {
  const fault = faultOf(Math.floor(minute / FAULT_MINUTES));
  const inFault = minute % FAULT_MINUTES;
  if (inFault === 1) {
    began.set(fault.name, (began.get(fault.name) ?? 0) + 1);
    await fault.begin(hands);
  }
  if (inFault === 1 + fault.minutes) await fault.end(hands);
  if (minute % DOOR_MINUTES === 0) world.gpio.set(DOOR_LINE, doorMoves++ % 2 === 0 ? 1 : 0);
  world.airC = 21.5 + (minute % 90) / 20;
  await clock.pass(MINUTE_MS);
  if (minute % MEASURE_MINUTES === 0) memory.push(measure(clock.monoMs()));
}
const tookS = (performance.now() - startedAt) / 1_000;
await clock.pass(2 * MINUTE_MS);
const stopped = node.stop();
await clock.pass(10_000);
await stopped;
const { report } = far;

await prove(
  `${HOURS} h with ${[...began.values()].reduce((a, b) => a + b, 0)} faults of ${began.size} kinds`,
  () => {
    const kinds = FAULTS.length + (HOURS >= 12 ? 1 : 0);
    if (began.size !== Math.min(kinds, HOURS * 6)) throw new Error([...began.keys()].join());
    return `${report.rows} rows stored in ${tookS.toFixed(0)} s`;
  },
);

await prove("every sensor gives a reading each 10 s, good or bad, all the time", () => {
  const expected = (HOURS * 60 * MINUTE_MS) / PERIOD_MS;
  const meters = METERS.map(({ name }) => `${name}.voltage-l1`);
  const shares = [...SENSOR_POINTS, ...meters].map((point) => {
    const { good = 0, bad = 0 } = report.points[point] ?? {};
    return { point, share: (good + bad) / expected, good, bad };
  });
  const short = shares.find(({ share, good }) => share < LEAST_SHARE || good < expected / 2);
  if (short) throw new Error(JSON.stringify(short));
  const bad = shares.reduce((sum, one) => sum + one.bad, 0);
  return `${expected} periods, ${bad} bad readings`;
});

await prove("each door movement, clock step and local alarm is an event", () => {
  const { opened = 0, closed = 0, raised = 0, cleared = 0 } = report.events;
  const text = JSON.stringify(report.events);
  if (opened + closed !== doorMoves) throw new Error(`${doorMoves} movements: ${text}`);
  if ((report.events["clock-step"] ?? 0) !== steps()) throw new Error(text);
  if (raised === 0 || Math.abs(raised - cleared) > 2) throw new Error(text);
  return text;
});

await prove("every row came once, in order, with none missing or skipped", () => {
  if (report.complaints.length > 0) throw new Error(report.complaints.join("\n"));
  return undefined;
});

for (const [what, name, most] of [
  ["heapMb", "live memory after garbage collection", HEAP_MB_PER_DAY],
  ["residentMb", "resident memory", RESIDENT_MB_PER_DAY],
] as const)
  await prove(`${name} grows by at most ${most} MB a day over the last two thirds`, () => {
    const growth = growthMbPerDay(memory, what);
    const sizes = memory.map((held) => held[what]);
    const text = `${growth.toFixed(2)} MB a day; ${sizes[Math.floor(sizes.length / 3)]?.toFixed(1)} MB at a third, ${sizes.at(-1)?.toFixed(1)} MB at the end, most ${Math.max(...sizes).toFixed(1)} MB`;
    if (!(growth <= most)) throw new Error(text);
    if (what === "residentMb" && Math.max(...sizes) > RESIDENT_MOST_MB) throw new Error(text);
    return text;
  });
process.exit();

function faultOf(turn: number): Fault {
  return turn % SLOW_EVERY === SLOW_EVERY - 1 ? SLOW_FAULT : FAULTS[turn % FAULTS.length]!;
}

function steps(): number {
  const named = [...began].filter(([name]) => name.startsWith("clock "));
  return named.reduce((sum, [, count]) => sum + count, 0);
}
