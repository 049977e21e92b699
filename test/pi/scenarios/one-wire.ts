/** A DS18B20 through the kernel's own 1-Wire drivers, behind a DS2482 bridge on /dev/i2c-1. */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { until } from "../../system/until.ts";
import { Ds2482 } from "../ds2482.ts";
import { EdgeProgram } from "../edge-program.ts";
import { PlayedBus } from "../played-bus.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import {
  isBad,
  newest,
  newestValue,
  noComplaints,
  RECOVERY_MS,
  reasonsWithoutValue,
} from "../watching.ts";

const BRIDGE_ADDRESS = 0x18;
const ROM = "28-00000b5e11c6";
const FOLDER = `/sys/bus/w1/devices/${ROM}`;
const POINT = "r1.exhaust";

const thermometer = { temperatureC: 21.5, present: true, corrupt: false };
const bus = new PlayedBus(1);
bus.chips.set(BRIDGE_ADDRESS, new Ds2482(thermometer));
for (const module of ["w1_therm", "ds2482"]) {
  const file = path.join(process.env.PLENUM_PI_MODULES ?? "", `${module}.ko`);
  if (spawnSync("insmod", [file], { stdio: "inherit" }).status !== 0) process.exit(1);
}
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [{ id: "w1", type: "one-wire" }],
  devices: [{ id: ROM, bus: "w1", driver: "ds18b20", every: "5s", points: { temperature: POINT } }],
});

await prove(
  "a DS18B20 that the kernel has not found yet is a bad reading (no-answer)",
  async () => {
    edge.start();
    await newest(recorder, POINT, isBad("no-answer"));
    return undefined;
  },
);

await prove("it is read once the kernel's search has found it", async () => {
  // Waits for the driver to talk to the bridge, which is played here: never synchronously.
  await writeFile("/sys/bus/i2c/devices/i2c-1/new_device", `ds2482 ${BRIDGE_ADDRESS}`);
  await newestValue(recorder, POINT, 21.5);
  return ROM;
});

await prove("a change arrives as the new value, below zero too", async () => {
  thermometer.temperatureC = -7.25;
  await newestValue(recorder, POINT, -7.25);
  return "-7.25 °C";
});

await prove("damaged data, of which the kernel gives an empty file, is a bad reading", async () => {
  const from = recorder.readings.length;
  thermometer.corrupt = true;
  const text = await readFile(path.join(FOLDER, "w1_slave"), "latin1");
  if (text !== "") throw new Error(`the kernel gave ${JSON.stringify(text)}`);
  return await badWithoutValue(from);
});

await prove("it is good again when the damage is over", async () => {
  thermometer.corrupt = false;
  await newestValue(recorder, POINT, -7.25);
  return undefined;
});

await prove(
  "a cut wire is a bad reading while the kernel still lists the thermometer",
  async () => {
    const from = recorder.readings.length;
    thermometer.present = false;
    const reason = await badWithoutValue(from);
    if (!existsSync(FOLDER)) throw new Error("the kernel has dropped it already");
    return reason;
  },
);

await prove("and after the kernel has dropped it", async () => {
  await until("the folder goes", () => !existsSync(FOLDER), 10 * RECOVERY_MS);
  return await badWithoutValue(recorder.readings.length);
});

await prove("the thermometer comes back when the wire is mended", async () => {
  thermometer.temperatureC = 30.5;
  thermometer.present = true;
  await newestValue(recorder, POINT, 30.5);
  return "30.5 °C";
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
// The kernel goes on searching the wire, so the bridge is played to the end.
process.exit();

/** Waits for four more readings, the last one bad. Returns the reasons. */
async function badWithoutValue(from: number): Promise<string> {
  await newest(recorder, POINT, isBad());
  await until("bad readings", () => recorder.of(POINT, from).length >= 4, RECOVERY_MS);
  return [...reasonsWithoutValue(recorder.of(POINT, from))].join(", ");
}
