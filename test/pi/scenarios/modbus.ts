/** Meters on an RS-485 line, which is a pseudo terminal here, and behind Modbus TCP on loopback. */
import { setTimeout as sleep } from "node:timers/promises";
import { ownCatalogue } from "../../../edge/config/catalogue.ts";
import { RegisterBank } from "../../room/modbus/bank.ts";
import { ModbusDevice } from "../../room/modbus/device.ts";
import { serveModbusRtu } from "../../room/modbus/rtu-slave.ts";
import { startModbusTcp } from "../../room/modbus/tcp-server.ts";
import { openPty } from "../../room/wire/pty.ts";
import { EdgeProgram } from "../edge-program.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import {
  allGoodAndOnTime,
  isBad,
  newest,
  newestValue,
  noComplaints,
  reasonsWithoutValue,
} from "../watching.ts";

const MODEL = "eastron-sdm120";
const PERIOD_MS = 1_000;
/** Every answer comes this late, after the question was given up. */
const LATE_MS = 700;
const POINTS = ["voltage-l1", "current-l1", "power", "frequency"];

const profile = ownCatalogue().profile(MODEL);
const meter = (name: string, unit: number) => {
  const values: Record<string, number> = {
    "voltage-l1": 230 + unit,
    "current-l1": unit,
    power: 230 * unit,
    frequency: 50,
  };
  const bank = new RegisterBank(profile, (id) => values[id] ?? 0);
  return { device: new ModbusDevice(name, unit, bank), values };
};
const near = meter("near", 1);
const far = meter("far", 2);
const remote = meter("remote", 7);

const wait = async (ms: number) => void (await sleep(ms));
const line = await openPty();
// Ends when the line is closed, which Node reports as a premature end of its input.
serveModbusRtu(line, [near.device, far.device], wait).catch((error: unknown) => {
  if (!(error instanceof Error && "code" in error)) throw error;
});
const gateway = await startModbusTcp([remote.device], 0, wait);
const recorder = await Recorder.start();
const edge = new EdgeProgram({
  node: "pi-1",
  label: "Pi",
  hub: { url: recorder.url },
  spool: { path: "./spool.db" },
  buses: [
    { id: "rs485", type: "modbus-rtu", device: line.path, baud: 9600, parity: "none" },
    { id: "lan", type: "modbus-tcp", host: "127.0.0.1", port: gateway.port },
  ],
  devices: [
    { id: "near", bus: "rs485", profile: MODEL, unit: 1, every: "1s" },
    { id: "far", bus: "rs485", profile: MODEL, unit: 2, every: "1s" },
    { id: "remote", bus: "lan", profile: MODEL, unit: 7, every: "1s" },
  ],
});

await prove("two meters on one serial line and one over TCP give their values", async () => {
  edge.start();
  for (const [name, unit] of [
    ["near", 1],
    ["far", 2],
    ["remote", 7],
  ] as const) {
    await newestValue(recorder, `${name}.voltage-l1`, 230 + unit);
    await newestValue(recorder, `${name}.power`, 230 * unit);
  }
  return line.path;
});

await prove(
  "a dead unit is bad readings (no-answer); its neighbour on the line goes on",
  async () => {
    far.device.fault = { kind: "silent" };
    await newest(recorder, "far.power", isBad("no-answer"));
    const from = recorder.readings.length;
    await newReadings("near.power", 30);
    // While the line finds out, a question to the dead unit may hold up one to its neighbour.
    allGoodAndOnTime(recorder.of("near.power", from), 2 * PERIOD_MS);
    const reasons = reasonsWithoutValue(recorder.of("far.power", from));
    if ([...reasons].join() !== "no-answer") throw new Error([...reasons].join());
    far.device.fault = undefined;
    await newestValue(recorder, "far.power", 460);
    return undefined;
  },
);

await prove(
  `answers that come ${LATE_MS} ms late never become another register's value`,
  async () => {
    const from = recorder.readings.length;
    near.device.fault = { kind: "late", delayMs: LATE_MS };
    await newest(recorder, "near.power", isBad());
    await newReadings("far.power", 10);
    near.device.fault = undefined;
    await newestValue(recorder, "near.power", 230);
    await newReadings("near.power", 5);
    const allowed: Record<string, number> = {};
    for (const id of POINTS) {
      allowed[`near.${id}`] = near.values[id]!;
      allowed[`far.${id}`] = far.values[id]!;
    }
    const wrong = recorder.readings
      .slice(from)
      .find(
        (reading) =>
          reading.quality !== "bad" &&
          reading.point in allowed &&
          Math.abs(reading.value - allowed[reading.point]!) > 1e-3,
      );
    if (wrong) throw new Error(JSON.stringify(wrong));
    return undefined;
  },
);

await prove("frames damaged on the way are bad readings (checksum), never values", async () => {
  near.device.fault = { kind: "crc" };
  await newest(recorder, "near.power", isBad("checksum"));
  near.device.fault = undefined;
  await newestValue(recorder, "near.power", 230);
  return undefined;
});

await prove("a cut TCP connection is bad readings until the gateway is back", async () => {
  remote.device.fault = { kind: "close" };
  await newest(recorder, "remote.power", isBad());
  remote.device.fault = undefined;
  await newestValue(recorder, "remote.power", 230 * 7);
  return undefined;
});

await prove("a change arrives as the new value on both", async () => {
  far.values.power = 512;
  remote.values.power = 1_024;
  await newestValue(recorder, "far.power", 512);
  await newestValue(recorder, "remote.power", 1_024);
  return undefined;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await gateway.close();
await line.close();

async function newReadings(point: string, count: number): Promise<void> {
  const wanted = recorder.of(point).length + count;
  await newest(recorder, point, () => recorder.of(point).length >= wanted);
}
