/**
 * A node that loses power. `fill`: the hub takes rows but never acknowledges; each row it saw is
 * printed, until somebody pulls the plug. `deliver <file>`: on the same disk, all rows printed so
 * far must come again, unchanged, and then new ones.
 */
import { mkdirSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { until } from "../../system/until.ts";
import { EdgeProgram } from "../edge-program.ts";
import { PlayedBus } from "../played-bus.ts";
import { plugIn, sensorConfig } from "../played-sensors.ts";
import { prove } from "../proof.ts";
import { Recorder } from "../recorder.ts";
import { newestValue, noComplaints } from "../watching.ts";

/** This guest runs on the real clock: a loaded machine makes it slow. */
const LIMIT_MS = 300_000;
const DISK = "/var/lib/plenum-edge";
const [task, list = ""] = process.argv.slice(2);

const around = { airC: task === "fill" ? 21.5 : 30, humidityRh: 40, plateC: 19.5, corrupt: false };
const bus = new PlayedBus(1);
plugIn(bus, around);
const came = new Map<string, string>();
const recorder = await Recorder.start({
  acknowledge: task !== "fill",
  onRow: ({ epoch, sequence, text }) => {
    came.set(`${epoch} ${sequence}`, text);
    if (task === "fill") console.log(`${epoch} ${sequence} ${text}`);
  },
});
mkdirSync(DISK, { recursive: true });
const edge = new EdgeProgram(
  {
    node: "pi-1",
    label: "Pi",
    hub: { url: recorder.url },
    spool: { path: "./spool.db" },
    buses: [{ id: "i2c-1", type: "i2c", device: "/dev/i2c-1" }],
    devices: sensorConfig("i2c-1", "r1", "500ms"),
  },
  DISK,
);
edge.start();

if (task === "fill") {
  await sleep(LIMIT_MS);
  console.log(`FAIL nobody pulled the plug within ${LIMIT_MS / 1_000} s`);
  process.exit(1);
}

await prove("what the hub saw before each power cut comes again, unchanged", async () => {
  const seen = readFileSync(list, "utf8").split("\n").map(splitRow);
  await newestValue(recorder, "r1.inlet-top", around.airC);
  await until("all old rows", () => seen.every(({ key }) => came.has(key)), LIMIT_MS);
  const changed = seen.find(({ key, text }) => came.get(key) !== text);
  if (changed) throw new Error(`${changed.key} was ${changed.text}, is ${came.get(changed.key)}`);
  return `${new Set(seen.map(({ key }) => key)).size} rows`;
});

await prove("every row came once, in order, with none missing", () => noComplaints(recorder));

if (process.exitCode) console.log(edge.log());
await edge.stop();
await recorder.stop();
await bus.close();

function splitRow(line: string): { key: string; text: string } {
  const [epoch = "", sequence = ""] = line.split(" ", 2);
  return { key: `${epoch} ${sequence}`, text: line.slice(epoch.length + sequence.length + 2) };
}
