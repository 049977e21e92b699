/**
 * Relays and a pulse meter on the GPIO header: safe at the start and the stop, switched by a local
 * rule, read back, off by themselves; after a kill -9 as the alarms want it; no pulse counted twice or
 * forgotten. `gpiomon`: on a kernel without sysfs GPIO.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { type Backend, drivenLevel, prepareHeader, setLevel } from "../header.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { isBad, newest, newestValue, noComplaints, RECOVERY_MS } from "../watching.ts";

const LEAK_LINE = 24;
const METER_LINE = 22;
const BEACON = { id: "beacon", line: 5 };
/** Switched by the low level, and closed while nobody is there. */
const VALVE = { id: "valve", line: 6 };
const SIREN = { id: "siren", line: 13 };
const PULSES_PER_KWH = 1_000;
/** The count is written down this often; what is older survives a kill. */
const SAVED_MS = 61_000;

const backend: Backend = process.argv[2] === "gpiomon" ? "gpiomon" : "sysfs";
prepareHeader(backend);
setLevel(METER_LINE, 1);
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [{ id: "gpio", type: "gpio", chip: "auto" }],
  devices: [],
  inputs: [{ point: "leak.rope", bus: "gpio", line: LEAK_LINE, debounce: "100ms" }],
  pulses: [{ point: "meter.energy", bus: "gpio", line: METER_LINE, perKwh: PULSES_PER_KWH }],
  outputs: [
    { ...BEACON, bus: "gpio", safe: "off" },
    { ...VALVE, bus: "gpio", active: "low", safe: "on" },
    { ...SIREN, bus: "gpio", safe: "off", autoOff: "30s" },
  ],
  alarms: [
    { id: "leak", local: true, points: ["leak.rope"], equals: 1, onDelay: "1s", priority: 1 },
  ],
});

await prove(
  "at rest every relay is off, and says so: beacon, siren, and the valve by its high level",
  async () => {
    edge.start();
    for (const { id } of [BEACON, VALVE, SIREN]) await newestValue(recorder, `${id}.on`, 0);
    driven([0, 1, 0]);
    return undefined;
  },
);

await prove("a local alarm switches all three, and each reads back as on", async () => {
  setLevel(LEAK_LINE, 1);
  for (const { id } of [BEACON, VALVE, SIREN]) await newestValue(recorder, `${id}.on`, 1);
  driven([1, 0, 1]);
  return undefined;
});

await prove("the siren goes off by itself after 30 s, the beacon stays", async () => {
  const began = performance.now();
  await newestValue(recorder, "siren.on", 0);
  driven([1, 0, 0]);
  const seconds = Math.round((performance.now() - began) / 1_000);
  if (seconds < 27 || seconds > 33) throw new Error(`off after ${seconds} s`);
  return `${seconds} s`;
});

await prove("the stop leaves each in its safe state: beacon off, valve on", async () => {
  await edge.stop();
  // gpioset lets go of its lines when it ends; only a pull or the Pi's boot setting holds them then.
  if (backend === "sysfs") driven([0, 0, 0]);
  return undefined;
});

await prove(
  "after a kill -9 the alarm that still stands switches the beacon on again",
  async () => {
    edge.start();
    await until("the beacon", () => drivenLevel(BEACON.line) === 1, RECOVERY_MS);
    await edge.kill();
    edge.start();
    await newestValue(recorder, "beacon.on", 1);
    return undefined;
  },
);

await prove("an alarm that ended while nobody was there leaves nothing on", async () => {
  await edge.kill();
  setLevel(LEAK_LINE, 0);
  edge.start();
  await until(
    "the beacon off",
    () => drivenLevel(BEACON.line) === 0 && drivenLevel(VALVE.line) === 1,
    RECOVERY_MS,
  );
  await newestValue(recorder, "beacon.on", 0);
  await newestValue(recorder, "valve.on", 0);
  return undefined;
});

await prove("40 pulses are 0.04 kWh, and 10 more after a stop and a start 0.05", async () => {
  await newestValue(recorder, "meter.energy", 0, 0);
  await pulses(40);
  await newestValue(recorder, "meter.energy", 0.04, 1e-9);
  await edge.stop();
  edge.start();
  await newMeterReading(0.04);
  await pulses(10);
  await newestValue(recorder, "meter.energy", 0.05, 1e-9);
  return undefined;
});

await prove("a kill -9 a minute after the last pulse loses none", async () => {
  await sleep(SAVED_MS);
  await edge.kill();
  edge.start();
  await newMeterReading(0.05);
  return undefined;
});

await prove(
  "a line that somebody else drives is bad readings (bus) of its relay alone",
  async () => {
    await edge.stop();
    const held = spawn("gpioset", ["--mode=signal", "gpiochip0", `${SIREN.line}=0`], {
      stdio: ["ignore", "inherit", "inherit"],
    });
    const freed = once(held, "close");
    try {
      await sleep(500);
      edge.start();
      await newest(recorder, "siren.on", isBad("bus"));
      await newestValue(recorder, "beacon.on", 0);
    } finally {
      held.kill("SIGTERM");
      await freed;
    }
    await newestValue(recorder, "siren.on", 0);
    return undefined;
  },
);

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();

/** Throws unless beacon, valve and siren are driven to these levels. */
function driven(wanted: [number, number, number]): void {
  const found = [BEACON, VALVE, SIREN].map(({ line }) => drivenLevel(line));
  if (found.join() !== wanted.join()) throw new Error(`driven to ${found}, not ${wanted}`);
}

/** As an S0 meter gives them: 40 ms closed, 60 ms open. */
async function pulses(count: number): Promise<void> {
  for (let i = 0; i < count; i += 1) {
    setLevel(METER_LINE, 0);
    await sleep(40);
    setLevel(METER_LINE, 1);
    await sleep(60);
  }
}

/** The first reading after a start must go on where the count was. */
async function newMeterReading(kwh: number): Promise<void> {
  const before = recorder.of("meter.energy").length;
  const first = await until(
    "a meter reading",
    () => recorder.of("meter.energy")[before],
    RECOVERY_MS,
  );
  if (first.quality !== "good" || Math.abs(first.value - kwh) > 1e-9)
    throw new Error(`began with ${JSON.stringify(first)}`);
}
